/** Names and values that a verb of the toolkit gets (assets/toolkit/manifest.sh). They contain no secret. */
export type Manifest = Readonly<Record<string, string>>;

/** The manifest as text. It ends with a line of its own, so that a text that was cut off is recognised. */
export function manifestText(manifest: Manifest): string {
  const lines = Object.entries(manifest).flatMap(([name, value]) =>
    value.includes("\n")
      ? [
          `${name}:`,
          ...value
            .replace(/\n$/, "")
            .split("\n")
            .map((line) => `|${line}`),
        ]
      : [`${name}=${value}`],
  );
  return [...lines, "end", ""].join("\n");
}
