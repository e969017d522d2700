import * as fs from "node:fs";
import * as path from "node:path";
import { Environment, FileSystemLoader } from "nunjucks";
import { oneLine, quote } from "./shell";

const assetsFolder = path.join(__dirname, "..", "assets");

// Not HTML, so nothing is escaped; the settings check every value. An undefined name is an error.
const templates = new Environment(new FileSystemLoader(path.join(assetsFolder, "templates")), {
  autoescape: false,
  throwOnUndefined: true,
  trimBlocks: true,
  lstripBlocks: true,
});

/** Renders `assets/templates/NAME`. */
export function renderTemplate(name: string, values: object = {}): string {
  return templates.render(name, values);
}

/** The files in a folder of `assets`, sorted by name. */
export function assetFiles(folder: string): { name: string; text: string }[] {
  const names = fs.readdirSync(path.join(assetsFolder, folder)).sort();
  return names.map((name) => ({ name, text: asset(`${folder}/${name}`) }));
}

/** The text of `assets/NAME`. */
export function asset(name: string): string {
  return fs.readFileSync(path.join(assetsFolder, name), "utf8");
}

/** The script `assets/scripts/NAME` as an argument of `bash -c`. */
export function inlineScript(name: string): string {
  return oneLine(asset(`scripts/${name}`));
}

export interface ScriptText {
  /** Scripts of the toolkit whose functions it uses, besides lib.sh. */
  parts?: readonly string[];
  /** Arguments of `main`, as NAME=VALUE words. */
  parameters?: Readonly<Record<string, string>>;
}

/**
 * The script `assets/scripts/NAME` with its parts and parameters, for the stdin of `bash -s`: it runs where there is no
 * toolkit yet.
 *
 * The last line calls `main`, so an incomplete script does nothing. `main` gets another stdin, so that no command reads the
 * rest of the script. Each parameter has a line of its own, so that a preview shows only those that change.
 */
export function script(name: string, { parts = [], parameters = {} }: ScriptText = {}): string {
  const files = [...["lib.sh", ...parts].map((part) => `toolkit/${part}`), "scripts/parameters.sh", `scripts/${name}`];
  const texts = files.map((file) => asset(file).replace(/^#!.*\n/, ""));
  const words = Object.entries(parameters).map(([key, value]) => quote(`${key}=${value}`));
  const call = ["main", ...words, "</dev/null"].join(" \\\n  ");
  return `${[...texts, call].join("\n")}\n`;
}
