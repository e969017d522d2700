import { Gzip, gzipSync } from "fflate";
import { Header } from "tar";

/**
 * Time of all files in an archive, so that the same files give the same archive. Not 0, because old versions of tar warn about
 * that.
 */
export const archiveTime = new Date("2000-01-01T00:00:00Z");

interface TarFile {
  /** That of a folder ends in "/". */
  name: string;
  mode: number;
  /** Bytes of all pieces together. */
  size: number;
  pieces: Iterable<Uint8Array>;
}

/** A tar archive of files owned by root, piece by piece. */
export function* tarPieces(files: Iterable<TarFile>): Generator<Uint8Array> {
  for (const { name, mode, size, pieces } of files) {
    const bytes = Buffer.from(name);
    // The header has room for 100 bytes. A longer name is the content of an entry of its own (GNU tar's format).
    const isLong = bytes.length >= 100;
    if (isLong) {
      yield header({ path: "././@LongLink", mode: 0, size: bytes.length + 1, type: "NextFileHasLongPath" });
      yield Buffer.concat([bytes, Buffer.alloc(1), padding(bytes.length + 1)]);
    }
    const type = name.endsWith("/") ? "Directory" : "File";
    yield header({ path: isLong ? "long-name" : name, mode, size, type });
    yield* pieces;
    yield padding(size);
  }
  // Two empty blocks mark the end.
  yield Buffer.alloc(1024);
}

type EntryType = "File" | "Directory" | "NextFileHasLongPath";

function header(fields: { path: string; mode: number; size: number; type: EntryType }): Buffer {
  const it = new Header({ ...fields, uid: 0, gid: 0, mtime: archiveTime });
  it.encode();
  if (it.block === undefined) throw new Error(`The tar header for ${fields.path} could not be made.`);
  return it.block;
}

/** Fills the last block. */
function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** A tar archive of texts, made in memory. */
export function tarArchive(files: readonly { name: string; mode: number; text: string }[]): Buffer {
  const entries = files.map(({ text, ...file }) => {
    const content = Buffer.from(text);
    return { ...file, size: content.length, pieces: [content] };
  });
  return Buffer.concat([...tarPieces(entries)]);
}

/** Unlike zlib's, its result is the same on every processor, so a stack does not change with the computer that deploys it. */
export function gzipped(data: Uint8Array): Uint8Array {
  return gzipSync(data, gzipOptions);
}

/** The same for what is too large for the memory. */
export function gzipPieces(pieces: Iterable<Uint8Array>, write: (piece: Uint8Array) => void): void {
  const gzip = new Gzip(gzipOptions, write);
  for (const piece of pieces) gzip.push(piece);
  gzip.push(new Uint8Array(), true);
}

const gzipOptions = { level: 9, mtime: 0 } as const;

/** The authorized key and the host key of a container, as a line of base64 for container-server.sh. */
export function sshdKeys(authorizedKey: string, hostKey: string): string {
  const archive = tarArchive([
    { name: "root/.ssh/authorized_keys", mode: 0o600, text: `${authorizedKey}\n` },
    { name: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: hostKey },
  ]);
  return Buffer.from(gzipped(archive)).toString("base64");
}
