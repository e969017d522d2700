import * as fs from "node:fs";
import * as path from "node:path";
import * as tar from "tar";
import { cachedArchive } from "./archives";
import { sha256 } from "./sha256";
import { archiveTime } from "./tarArchive";

/** Names that are never part of an app's code. */
const ignored = new Set([".git", "__pycache__", ".venv", "venv", "node_modules", ".pytest_cache", ".mypy_cache"]);

export interface AppSource {
  /** Hash of every file's name, mode and content. */
  hash: string;
  /** Path of the .tar.gz with the code. */
  archive: string;
  /** Text of the requirements file, empty if there is none. */
  requirements: string;
}

/**
 * Packs an app's folder. The same files always give the same archive.
 * @param folder the app's code
 * @param requirements its requirements file, relative to the folder
 * @param cache folder for the archives
 */
export function packApp(folder: string, requirements: string | undefined, cache: string): AppSource {
  const files = listFiles(folder);
  const parts = files.flatMap((file) => {
    const full = path.join(folder, file);
    return [`${file}\0${isExecutable(full) ? "x" : "-"}\0`, Buffer.from(sha256(fs.readFileSync(full)), "hex")];
  });
  const hash = sha256(...parts);
  const archive = cachedArchive(cache, hash.slice(0, 32), (file) => {
    tar.create(
      {
        sync: true,
        file,
        cwd: folder,
        gzip: { level: 9 },
        portable: true,
        noDirRecurse: true,
        mtime: archiveTime,
        follow: true,
        onWriteEntry: (entry) => {
          if (entry.stat) entry.stat.mode = isExecutable(path.join(folder, entry.path)) ? 0o755 : 0o644;
        },
      },
      files,
    );
  });
  const text = requirements ?? (files.includes("requirements.txt") ? "requirements.txt" : undefined);
  return {
    hash,
    archive,
    requirements: text === undefined ? "" : fs.readFileSync(path.join(folder, text), "utf8"),
  };
}

function isExecutable(file: string): boolean {
  return (fs.statSync(file).mode & 0o111) !== 0;
}

/** Relative paths of all files, sorted by bytes, so that the order does not depend on the locale. */
function listFiles(folder: string, below = ""): string[] {
  return fs
    .readdirSync(path.join(folder, below), { withFileTypes: true })
    .filter((entry) => !ignored.has(entry.name))
    .flatMap((entry) => {
      const file = path.posix.join(below, entry.name);
      return fs.statSync(path.join(folder, file)).isDirectory() ? listFiles(folder, file) : [file];
    })
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
