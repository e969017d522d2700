/**
 * Types of host keys in the order in which the command plugin asks for them (golang.org/x/crypto/ssh). The server presents
 * the first of these that it has, whichever key is pinned, so the setting takes all of its keys.
 */
const preferred = [
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "ssh-ed25519",
] as const;

/**
 * The host key that the server will present, as `TYPE BASE64`; undefined if the text is not a list of host keys.
 * @param text lines as ssh-keyscan prints them (`ADDRESS TYPE BASE64`), or as in the server's *.pub files
 */
export function pinnedHostKey(text: string): string | undefined {
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => /^(?:\S+ )?((?:ssh|ecdsa)-\S+) ([A-Za-z0-9+/]{40,}={0,2})(?: .*)?$/.exec(line));
  if (keys.length === 0 || keys.includes(null)) return undefined;
  for (const type of preferred) {
    const key = keys.find((it) => it?.[1] === type);
    if (key) return `${key[1]} ${key[2]}`;
  }
  return undefined;
}

/** How to get the host keys of a server, completing `Fix:`. */
export function howToGetHostKey(address: string, port: number, from = "your computer"): string {
  const onPort = port === 22 ? "" : `-p ${port} `;
  return [
    `run on ${from}: ssh-keyscan -t ecdsa,rsa,ed25519 ${onPort}${address}`,
    "    Compare the fingerprints: ssh-keygen -lf - < LINES must show those that",
    "    ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub shows on the server. Then set it to all lines.",
  ].join("\n");
}
