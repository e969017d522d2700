import * as fs from "node:fs";
import * as path from "node:path";

/** What there is under a name. */
export type Entry =
  | { type: "file"; size: number; isExecutable: boolean }
  | { type: "folder" }
  | { type: "link" }
  | { type: "other"; what: string };

/** Where a link leads to: a name in the tree, or what is not in it; nothing if there is nothing. */
export type Target = { name: string } | { outside: string } | undefined;

/**
 * A folder or an archive. Names are relative to it, with "/" between their parts; it is "" itself. What is read cannot be
 * reached through links, so a name that a link is part of must be resolved with `target`.
 */
export interface SourceTree {
  /** Names in a folder. */
  list(folder: string): string[];
  entry(name: string): Entry;
  /** Throws what the system says if a file may not be read. */
  requireReadable(file: string): true;
  target(link: string): Target;
  /** @throws SourceChanged */
  read(file: string): Iterable<Buffer>;
}

/** The app's code is not what it was a moment ago. */
export class SourceChanged extends Error {
  override readonly name = "SourceChanged";

  constructor(what: string) {
    super(`The app's code changed while it was packed: ${what}.\nFix: run the same command again.`);
  }
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** @param root the real path of a folder */
export function folderTree(root: string): SourceTree {
  const place = (name: string) => path.join(root, name);
  return {
    list: (folder) => fs.readdirSync(place(folder)),
    entry: (name) => entryOf(place(name)),
    requireReadable(file) {
      fs.closeSync(fs.openSync(place(file), O_RDONLY | O_NONBLOCK));
      return true;
    },
    target(link) {
      const target = realPath(place(link));
      if (target === undefined) return undefined;
      return isWithin(root, target) ? { name: path.relative(root, target) } : { outside: target };
    },
    read: (file) => content(file, place(file)),
  };
}

function entryOf(place: string): Entry {
  const stats = fs.lstatSync(place);
  if (stats.isSymbolicLink()) return { type: "link" };
  if (stats.isDirectory()) return { type: "folder" };
  if (stats.isFIFO()) return { type: "other", what: "a named pipe" };
  if (stats.isSocket()) return { type: "other", what: "a socket" };
  if (!stats.isFile()) return { type: "other", what: "a device" };
  return { type: "file", size: stats.size, isExecutable: (stats.mode & 0o111) !== 0 };
}

/** Nothing if there is nothing, or if links lead in a circle. */
function realPath(place: string): string | undefined {
  try {
    return fs.realpathSync.native(place);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Whether a path is a folder or below it. Both are real paths. */
export function isWithin(folder: string, place: string): boolean {
  return path.join(place, path.sep).startsWith(path.join(folder, path.sep));
}

const pieceLength = 256 * 1024;

/** The content of a file, which may be larger than the memory. */
function* content(name: string, place: string): Generator<Buffer> {
  const file = openFile(name, place);
  try {
    const { size } = fs.fstatSync(file);
    for (;;) {
      const buffer = Buffer.allocUnsafe(Math.min(size + 1, pieceLength));
      const length = fs.readSync(file, buffer);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    fs.closeSync(file);
  }
}

/** Not what has taken the file's place since it was listed: a link may lead anywhere, and opening a pipe waits for ever. */
function openFile(name: string, place: string): number {
  let file: number | undefined;
  try {
    file = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fs.fstatSync(file).isFile()) return file;
  } catch {
    // It is gone, or became a link.
  }
  if (file !== undefined) fs.closeSync(file);
  throw new SourceChanged(JSON.stringify(name));
}
