import * as fs from "node:fs";
import * as path from "node:path";
import { Environment, FileSystemLoader } from "nunjucks";
import { quote } from "./shell";

const assetsFolder = path.join(__dirname, "..", "assets");

// Texts for servers, not HTML, hence no escaping: every value is checked by the settings. A misspelt name is an error.
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

/** The text of `assets/NAME`. */
export function asset(name: string): string {
  return fs.readFileSync(path.join(assetsFolder, name), "utf8");
}

/**
 * The script `assets/scripts/NAME` as an argument of `bash -c`: without its comments, for an error shows the command, and
 * on one line, for csh takes no line break in quotes, and is what some servers log in to.
 */
export function inlineScript(name: string): string {
  const lines = asset(`scripts/${name}`).split("\n");
  const code = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return code
    .join("\n")
    .replace(/ \\\n/g, " ")
    .replace(/( in|\||;;|\{)\n/g, "$1 ")
    .replaceAll("\n", "; ");
}

export interface ScriptText {
  /** Shared parts that the script needs, besides lib.sh. */
  parts?: readonly string[];
  /** What `main` gets after the action, as NAME=VALUE words. */
  parameters?: Readonly<Record<string, string>>;
  /** Hashes by name: the script runs again when one changes, although it does not use them. */
  triggers?: Readonly<Record<string, string>>;
}

/**
 * The script `assets/scripts/NAME` with its parts and its parameters, ready for the stdin of `bash -s -- [ACTION]`.
 *
 * `main` is called by the last line, so a script that was cut off on its way does nothing; and with its stdin elsewhere,
 * so that no command swallows the rest of the script. One parameter a line makes a change of it one line of a preview.
 */
export function script(name: string, { parts = [], parameters = {}, triggers = {} }: ScriptText = {}): string {
  const texts = ["lib.sh", ...parts, name].map((file) => asset(`scripts/${file}`).replace(/^#!.*\n/, ""));
  const comments = Object.entries(triggers).map(([what, hash]) => `# ${what}: ${hash}`);
  const words = Object.entries(parameters).map(([key, value]) => quote(`${key}=${value}`));
  const call = ['main "$@"', ...words, "</dev/null"].join(" \\\n  ");
  return `${[...texts, ...comments, call].join("\n")}\n`;
}
