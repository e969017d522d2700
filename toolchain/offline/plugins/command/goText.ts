// Texts as Go programs print them: the genuine plugins are written in Go, and users search for what they read.

const escapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A quoted string, as by `%q`. */
export function quote(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const escaped = text.replace(/[\\"\x00-\x1f\x7f]|[^\P{C}\n]|[^\P{Z} ]/gu, (character) => {
    const hex = (digits: number) => (character.codePointAt(0) ?? 0).toString(16).padStart(digits, "0");
    if (escapes[character]) return escapes[character];
    if (character < "\x80") return `\\x${hex(2)}`;
    return character.length === 1 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  });
  return `"${escaped}"`;
}

const systemErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ECONNRESET: "connection reset by peer",
  ETIMEDOUT: "i/o timeout",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
};

/** The operating system's reason for an error. */
export function systemReason(error: unknown): string {
  return systemErrors[errorCode(error)] ?? messageOf(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
