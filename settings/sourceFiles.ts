import * as fs from "node:fs";
import * as path from "node:path";

/**
 * Names that are never part of an app's code: version control and this project's secrets, caches, environments. Version
 * control may hold secrets too, such as the token that a workflow has cloned with.
 */
const ignored = new Set([
  ...[".git", ".local"],
  ...["__pycache__", ".venv", "venv", "node_modules", ".pytest_cache", ".mypy_cache"],
]);

/** Emacs marks a file that is being edited with a link `.#NAME` to nothing. */
const isIgnored = (name: string) => ignored.has(name) || name.startsWith(".#");

/** Links to folders can make very many files out of a few. */
const mostBehindLinks = 10_000;

export interface SourceFile {
  /** Relative to the source. */
  name: string;
  /** Where its content is, without a link on the way. */
  place: string;
}

export interface SourceFiles {
  /** Sorted by bytes, so that the order does not depend on the locale. */
  files: SourceFile[];
  /** What cannot be packed, by name, and why. */
  problems: string[];
}

/**
 * The files of an app's code. A link stands for what it points to, which must be part of the source as well: whoever writes
 * the app must not get at other files of this computer. Empty folders, sockets, pipes and devices are left out, as git does.
 */
export function sourceFiles(source: string): SourceFiles {
  const root = fs.realpathSync.native(source);
  const files: SourceFile[] = [];
  const problems: string[] = [];
  let behindLinks = 0;

  const problem = (name: string, why: string) => problems.push(`${JSON.stringify(name || ".")} (${why})`);

  const attempt = <T>(name: string, work: () => T, ifMissing?: string): T | undefined => {
    try {
      return work();
    } catch (error) {
      const why = reasonOf(error, name, ifMissing);
      if (why !== undefined) problem(name, why);
      return undefined;
    }
  };

  /** @param folders the real paths of the folder and of those that it was reached through */
  const visit = (name: string, folders: readonly string[]): void => {
    const folder = folders.at(-1) ?? root;
    for (const entry of attempt(name, () => fs.readdirSync(folder)) ?? []) {
      if (behindLinks > mostBehindLinks) return;
      if (!isIgnored(entry)) add(path.posix.join(name, entry), path.join(folder, entry), folders);
    }
  };

  const add = (name: string, place: string, folders: readonly string[]): void => {
    const stats = attempt(name, () => fs.lstatSync(place));
    if (stats === undefined) return;
    if (stats.isSymbolicLink()) follow(name, place, folders);
    else if (place !== path.join(root, name) && ++behindLinks > mostBehindLinks) {
      problem(name, `one of more than ${mostBehindLinks} files behind links`);
    } else if (stats.isDirectory()) visit(name, [...folders, place]);
    else if (stats.isFile() && attempt(name, () => canRead(place))) files.push({ name, place });
  };

  const follow = (name: string, link: string, folders: readonly string[]): void => {
    const target = attempt(name, () => fs.realpathSync.native(link), "a link to nothing");
    if (target === undefined) return;
    if (folders.includes(target)) problem(name, "a link to a folder that it is in");
    else if (belongsTo(root, target)) add(name, target, folders);
    else problem(name, `a link to ${target}, which is not part of the source`);
  };

  visit("", [root]);
  const byBytes = (a: SourceFile, b: SourceFile) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
  return { files: files.sort(byBytes), problems };
}

function canRead(file: string): true {
  fs.closeSync(fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK));
  return true;
}

/** @returns undefined if the file was removed a moment ago */
function reasonOf(error: unknown, name: string, ifMissing: string | undefined): string | undefined {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(code)) return `cannot be read: ${code}`;
  // Node writes this character for bytes that it cannot decode, and then finds no such file.
  return name.includes("\ufffd") ? "a name that is not UTF-8" : ifMissing;
}

/** Whether a file or folder can be part of a source. Both are real paths. */
export function belongsTo(root: string, place: string): boolean {
  return isWithin(root, place) && !path.relative(root, place).split(path.sep).some(isIgnored);
}

/** Whether a path is a folder or below it. Both are real paths. */
export function isWithin(folder: string, place: string): boolean {
  return path.join(place, path.sep).startsWith(path.join(folder, path.sep));
}
