import type { Source } from "./source";
import type { LeftOut } from "./sourceFiles";

/** The files of an app's code that are packed: no others reach the server. */
export interface CodeFiles {
  /** Relative to the source. */
  readonly names: readonly string[];
  /** The content of one of them. */
  readonly bytes: (name: string) => Uint8Array;
  /** What else the source has, for those who look for mistakes. */
  readonly leftOut?: readonly LeftOut[];
}

export function codeFiles({ files, tree, leftOut }: Source): CodeFiles {
  const places = new Map(files.map(({ name, place }) => [name, place]));
  const bytes = (name: string) => Buffer.concat([...tree.read(places.get(name) ?? name)]);
  return { names: [...places.keys()], bytes, leftOut };
}

/** A file as text. Like pip, it believes a byte order mark: `pip freeze > FILE` writes UTF-16 in PowerShell. */
export function codeText(code: CodeFiles, name: string): string {
  const bytes = code.bytes(name);
  const [first, second] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  const isBig = first === 0xfe && second === 0xff;
  return new TextDecoder(isLittle ? "utf-16le" : isBig ? "utf-16be" : "utf-8").decode(bytes);
}

export function hasFolder(code: CodeFiles, folder: string): boolean {
  return folder === "." || code.names.some((name) => name.startsWith(`${folder}/`));
}
