import { createHash } from "node:crypto";
import * as path from "node:path";
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
  /** Text of the requirements file, empty if there is none. */
  requirements: string;
}

/** A file with what is known about it since it was read. */
interface ReadFile extends SourceFile {
  mode: number;
  digest: Buffer;
}

/**
 * Packs an app's code. The same files always give the same archive, wherever they come from.
 * @param source the app's code, listed
 * @param requirements its requirements file, relative to the code
 * @param cache folder for the archives
 * @throws SourceChanged
 */
export function packApp(source: Source, requirements: string | undefined, cache: string): AppSource {
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
  return { hash, archive, requirements: requirementsText(source, requirements, read) };
}

function requirementsText(source: Source, given: string | undefined, files: readonly ReadFile[]): string {
  const { place, tree } = source;
  const wanted = path.relative(place, path.resolve(place, given ?? "requirements.txt"));
  const file = files.find(({ name }) => name === wanted);
  if (file) return Buffer.concat([...sameContent(tree, file)]).toString();
  if (given !== undefined) throw new SourceChanged(JSON.stringify(given));
  return "";
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
