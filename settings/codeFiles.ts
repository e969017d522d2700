import * as fs from "node:fs";
import { sourceFiles } from "./sourceFiles";

/** The files of an app's code that are packed: no others reach the server. */
export interface CodeFiles {
  /** Relative to the source. */
  readonly names: readonly string[];
  /** The content of one of them. */
  readonly bytes: (name: string) => Uint8Array;
}

/** @param folder the app's source */
export function codeFiles(folder: string): CodeFiles {
  const places = new Map(sourceFiles(folder).files.map(({ name, place }) => [name, place]));
  return { names: [...places.keys()], bytes: (name) => fs.readFileSync(places.get(name) ?? name) };
}

/** A file as text. Like pip, it believes a byte order mark: `pip freeze > FILE` writes UTF-16 in PowerShell. */
export function codeText(code: CodeFiles, name: string): string {
  const bytes = code.bytes(name);
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

export function hasFolder(code: CodeFiles, folder: string): boolean {
  return folder === "." || code.names.some((name) => name.startsWith(`${folder}/`));
}
