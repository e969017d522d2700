/**
 * Kinds of host keys, the one that the command plugin asks a server for first at the top (Go's SSH library): of those
 * that a server has it is shown the first, whatever key is pinned here. Hence a server's keys are given all together.
 */
const preferred = [
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "ssh-ed25519",
] as const;

/**
 * The one of a server's host keys that it will be known by, as `TYPE BASE64`; undefined where the text is something else.
 * @param text lines as ssh-keyscan prints them (`ADDRESS TYPE BASE64`), or as in a server's *.pub files
 */
export function pinnedHostKey(text: string): string | undefined {
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => /^(?:\S+ )?((?:ssh|ecdsa)-\S+) ([A-Za-z0-9+/]{40,}={0,2})(?: .*)?$/.exec(line));
  if (keys.length === 0 || keys.includes(null)) return undefined;
  for (const kind of preferred) {
    const key = keys.find((it) => it?.[1] === kind);
    if (key) return `${key[1]} ${key[2]}`;
  }
  return undefined;
}

/** How a user gets the host keys of a server, completing a sentence. */
export function howToGetHostKey(address: string, port: number, from = "this machine"): string {
  const onPort = port === 22 ? "" : `-p ${port} `;
  return (
    `get it on ${from} with: ssh-keyscan -t ecdsa,rsa,ed25519 ${onPort}${address}\n` +
    `    and give all lines that it prints, after a comparison with the server's own: log in to it as you do otherwise, and\n` +
    `    ssh-keygen -lf - < LINES  here must show what  ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub  shows there`
  );
}
