import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { CodeFiles } from "../settings/codeFiles";
import { sourceFiles, type SourceFile } from "../settings/sourceFiles";
import { cachedArchive } from "./archives";
import { sha256 } from "./sha256";
import { gzipPieces, tarPieces } from "./tarArchive";

export interface AppSource {
  /** Hash of every file's name, mode and content. */
  hash: string;
  /** Path of the .tar.gz with the code. */
  archive: string;
  /** What is packed, for those who read files in it. */
  code: CodeFiles;
}

/** A file with what is known about it since it was read. */
interface ReadFile extends SourceFile {
  mode: number;
  size: number;
  digest: Buffer;
}

/** The app's code is not what it was a moment ago. */
export class SourceChanged extends Error {
  override readonly name = "SourceChanged";

  constructor(what: string) {
    super(`The app's code changed while it was packed: ${what}.\nFix: run the same command again.`);
  }
}

/**
 * Packs an app's folder. The same files always give the same archive.
 * @param folder the app's code
 * @param cache folder for the archives
 * @throws SourceChanged
 */
export function packApp(folder: string, cache: string): AppSource {
  const { files, problems } = sourceFiles(folder);
  // The settings were checked for them.
  if (problems.length > 0) throw new SourceChanged(problems.join(", "));
  const read = files.map(readFile);
  const hash = sha256(
    ...read.flatMap(({ name, mode, digest }) => [`${name}\0${mode === 0o755 ? "x" : "-"}\0`, digest]),
  );
  const archive = cachedArchive(cache, `app-${hash.slice(0, 32)}`, (write) => {
    gzipPieces(tarPieces(read.map((file) => ({ ...file, pieces: sameContent(file) }))), write);
  });
  return { hash, archive, code: packedFiles(read) };
}

function packedFiles(read: readonly ReadFile[]): CodeFiles {
  const files = new Map(read.map((file) => [file.name, file]));
  const bytes = (name: string) => {
    const file = files.get(name);
    if (!file) throw new SourceChanged(JSON.stringify(name));
    return Buffer.concat([...sameContent(file)]);
  };
  return { names: [...files.keys()], bytes };
}

function readFile(file: SourceFile): ReadFile {
  const hash = createHash("sha256");
  let size = 0;
  for (const piece of content(file)) {
    hash.update(piece);
    size += piece.length;
  }
  const isExecutable = (fs.statSync(file.place).mode & 0o111) !== 0;
  return { ...file, mode: isExecutable ? 0o755 : 0o644, size, digest: hash.digest() };
}

/** The content that was read before. */
function* sameContent(file: ReadFile): Generator<Buffer> {
  const hash = createHash("sha256");
  for (const piece of content(file)) {
    hash.update(piece);
    yield piece;
  }
  if (!hash.digest().equals(file.digest)) throw new SourceChanged(JSON.stringify(file.name));
}

const pieceLength = 256 * 1024;

/** The content of a file, which may be larger than the memory. */
function* content({ name, place }: SourceFile): Generator<Buffer> {
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

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

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
