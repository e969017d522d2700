import * as fs from "node:fs";
import * as path from "node:path";

/**
 * Returns the path of an archive in a folder of archives. Packing takes longer than anything else that is decided before a
 * deployment, so an archive is packed only once. Only its owner may read it: an app's code may hold secrets.
 * @param name says what the content is: a hash of it
 * @param pack writes the archive, piece by piece
 */
export function cachedArchive(cache: string, name: string, pack: (write: (piece: Uint8Array) => void) => void): string {
  const archive = path.join(cache, `${name}.tar.gz`);
  if (!fs.existsSync(archive)) {
    fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
    const unfinished = `${archive}.${process.pid}`;
    fs.rmSync(unfinished, { force: true });
    const file = fs.openSync(unfinished, "wx", 0o600);
    try {
      pack((piece) => {
        fs.writeFileSync(file, piece);
      });
      fs.renameSync(unfinished, archive);
    } finally {
      fs.closeSync(file);
      fs.rmSync(unfinished, { force: true });
    }
  }
  const now = new Date();
  fs.utimesSync(archive, now, now);
  return archive;
}

/** An archive that was not used for this long, in milliseconds, is not part of any running deployment. */
const archiveLifetime = 24 * 60 * 60 * 1000;

/** Removes old archives. If one is needed again, it is packed again. */
export function pruneArchives(cache: string): void {
  for (const name of fs.readdirSync(cache)) {
    const file = path.join(cache, name);
    const used = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - used > archiveLifetime) fs.rmSync(file, { force: true });
  }
}
