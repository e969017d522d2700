import { gzipSync } from "fflate";
import { Header } from "tar";

/**
 * Time of all files in an archive, so that the same files give the same archive. Not 0, because old versions of tar warn about
 * that.
 */
export const archiveTime = new Date("2000-01-01T00:00:00Z");

/** A tar archive of texts, owned by root, made in memory. */
export function tarArchive(files: readonly { name: string; mode: number; text: string }[]): Buffer {
  const blocks = files.flatMap(({ name, mode, text }) => {
    const content = Buffer.from(text);
    const header = new Header({
      path: name,
      mode,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: archiveTime,
      type: "File",
    });
    header.encode();
    if (header.block === undefined) throw new Error(`The tar header for ${name} could not be made.`);
    return [header.block, content, Buffer.alloc(-content.length & 511)];
  });
  // Two empty blocks mark the end.
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Unlike zlib's, its result is the same on every processor, so a stack does not change with the computer that deploys it. */
export function gzipped(data: Uint8Array): Uint8Array {
  return gzipSync(data, { level: 9, mtime: 0 });
}

/** The authorized key and the host key of a container, as a line of base64 for container-server.sh. */
export function sshdKeys(authorizedKey: string, hostKey: string): string {
  const archive = tarArchive([
    { name: "root/.ssh/authorized_keys", mode: 0o600, text: `${authorizedKey}\n` },
    { name: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: hostKey },
  ]);
  return Buffer.from(gzipped(archive)).toString("base64");
}
