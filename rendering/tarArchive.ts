import { Header } from "tar";

/** A tar archive of texts, owned by root, made in memory. */
export function tarArchive(files: readonly { path: string; mode: number; text: string }[]): Buffer {
  const blocks = files.flatMap(({ path, mode, text }) => {
    const content = Buffer.from(text);
    const header = new Header({ path, mode, uid: 0, gid: 0, size: content.length, mtime: new Date(0), type: "File" });
    header.encode();
    if (header.block === undefined) throw new Error(`The tar header for ${path} could not be made.`);
    return [header.block, content, Buffer.alloc(-content.length & 511)];
  });
  // Two empty blocks mark the end.
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** The authorized key and the host key of a container, as a line of base64 for container-server.sh. */
export function sshdKeys(authorizedKey: string, hostKey: string): string {
  const archive = tarArchive([
    { path: "root/.ssh/authorized_keys", mode: 0o600, text: `${authorizedKey}\n` },
    { path: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: hostKey },
  ]);
  return archive.toString("base64");
}
