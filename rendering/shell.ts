/** Quotes a text as one word for a POSIX shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line of quoted words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

/**
 * A script as an argument of `bash -c`. It has no comments, because errors show the command, and is on one line, because the
 * login shell may be csh, which does not allow line breaks in quotes.
 */
export function oneLine(script: string): string {
  const lines = script.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("\n")
    .replace(/ \\\n/g, " ")
    .replace(/( in|\||;;|\{)\n/g, "$1 ")
    .replaceAll("\n", "; ");
}
