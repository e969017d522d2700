// Texts as Go programs print them, for the genuine plugins are such, and users search for what they read.

const escapes = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

/** A quoted string, as by `%q`. @param {string} text */
export function quote(text) {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const escaped = text.replace(/[\\"\x00-\x1f\x7f]|[^\P{C}\n]|[^\P{Z} ]/gu, (character) => {
    const known = escapes.get(character);
    if (known) return known;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `"${escaped}"`;
}

const systemErrors = new Map([
  ["ECONNREFUSED", "connect: connection refused"],
  ["EHOSTUNREACH", "connect: no route to host"],
  ["ENETUNREACH", "connect: network is unreachable"],
  ["ECONNRESET", "connection reset by peer"],
  ["ETIMEDOUT", "i/o timeout"],
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["ENOTDIR", "not a directory"],
  ["EISDIR", "is a directory"],
]);

/** The system's reason for an error of Node. @param {unknown} error @returns {string} */
export function systemReason(error) {
  const code = errorCode(error);
  return systemErrors.get(code) ?? (error instanceof Error ? error.message : String(error));
}

/** @param {unknown} error @returns {string} */
export function errorCode(error) {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
