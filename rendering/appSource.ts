import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { CodeFiles } from "../settings/codeFiles";
import type { Source } from "../settings/source";
import type { SourceFile } from "../settings/sourceFiles";
import { SourceChanged, type SourceTree } from "../settings/sourceTree";
import { cachedArchive } from "./archives";
import { sha256 } from "./sha256";
import { gzipPieces, tarPieces } from "./tarArchive";

export interface AppSource {
  /** Hash of every file's name, mode and content, and of the names of empty folders. */
  hash: string;
  /** Path of the .tar.gz with the code. */
  archive: string;
  /** Its SHA-256. */
  archiveHash: string;
  /** What is packed, for those who read files in it. */
  code: CodeFiles;
}

/** A file with what is known about it since it was read. */
interface ReadFile extends SourceFile {
  mode: number;
  digest: Buffer;
}

/**
 * Packs an app's code. The same files always give the same archive, wherever they come from.
 * @param source the app's code, listed
 * @param cache folder for the archives
 * @throws SourceChanged
 */
export function packApp(source: Source, cache: string): AppSource {
  const { tree, files, emptyFolders, problems } = source;
  // The settings were checked for them.
  if (problems.length > 0) throw new Error(problems.join(", "));
  const read = files.map((file) => readFile(tree, file));
  const folders = emptyFolders.map((name) => ({ name: `${name}/`, mode: 0o755, size: 0, pieces: [] }));
  const hash = sha256(
    ...read.flatMap(({ name, mode, digest }) => [`${name}\0${mode === 0o755 ? "x" : "-"}\0`, digest]),
    ...folders.map(({ name }) => `${name}\0`),
  );
  const archive = cachedArchive(cache, `app-${hash.slice(0, 32)}`, (write) => {
    const entries = read.map((file) => ({ ...file, pieces: sameContent(tree, file) }));
    gzipPieces(tarPieces([...folders, ...entries]), write);
  });
  return { hash, archive, archiveHash: sha256(fs.readFileSync(archive)), code: packedFiles(tree, read) };
}

function packedFiles(tree: SourceTree, read: readonly ReadFile[]): CodeFiles {
  const files = new Map(read.map((file) => [file.name, file]));
  const bytes = (name: string) => {
    const file = files.get(name);
    if (!file) throw new SourceChanged(JSON.stringify(name));
    return Buffer.concat([...sameContent(tree, file)]);
  };
  return { names: [...files.keys()], bytes };
}

function readFile(tree: SourceTree, file: SourceFile): ReadFile {
  const hash = createHash("sha256");
  let size = 0;
  for (const piece of tree.read(file.place)) {
    hash.update(piece);
    size += piece.length;
  }
  return { ...file, mode: file.isExecutable ? 0o755 : 0o644, size, digest: hash.digest() };
}

/** The content that was read before. */
function* sameContent(tree: SourceTree, file: ReadFile): Generator<Buffer> {
  const hash = createHash("sha256");
  for (const piece of tree.read(file.place)) {
    hash.update(piece);
    yield piece;
  }
  if (!hash.digest().equals(file.digest)) throw new SourceChanged(JSON.stringify(file.name));
}
