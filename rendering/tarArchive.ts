import { Header } from "tar";

/** A tar archive of texts, owned by root, without a file on this machine. */
export function tarArchive(files: readonly { path: string; mode: number; text: string }[]): Buffer {
  const blocks = files.flatMap(({ path, mode, text }) => {
    const content = Buffer.from(text);
    const header = new Header({ path, mode, uid: 0, gid: 0, size: content.length, mtime: new Date(0), type: "File" });
    header.encode();
    if (header.block === undefined) throw new Error(`no header for ${path}`);
    return [header.block, content, Buffer.alloc(-content.length & 511)];
  });
  // Two empty blocks are its end.
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Who may log in, and what the server identifies itself with, as container-server.sh takes them: a line of base64. */
export function sshdKeys(login: string, own: string): string {
  const archive = tarArchive([
    { path: "root/.ssh/authorized_keys", mode: 0o600, text: `${login}\n` },
    { path: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: own },
  ]);
  return archive.toString("base64");
}
