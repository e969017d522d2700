import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { setting, wholeNumber } from "./setting";
import { archiveTree } from "./sourceArchive";
import { sourceFiles, type SourceFiles } from "./sourceFiles";
import { folderTree, type SourceTree } from "./sourceTree";

/** What an app's code is, and what of it is packed. */
export const sourceSettings = {
  source: setting(z.string().min(1).default("assets/apps/hello"), {
    meaning: "Folder or archive with the app's code, relative to the project.",
    allowed: "the path of a folder, or of an archive (.tar.gz, .tgz, .zip)",
  }),
  exclude: setting(z.array(z.string().regex(/^[^\n\r]*[^\s!][^\n\r]*$/)).default([]), {
    meaning:
      "What is left out of the code, besides what its `.gitignore` and `.dockerignore` leave out; `!NAME` includes what these " +
      "leave out.",
    allowed: "a list of patterns as in a .gitignore",
  }),
  maxSourceSize: setting(wholeNumber(1, 4096).default(200), {
    meaning:
      "Size in megabytes that the files of the code may have together, which guards against packing what is not code.",
    allowed: "a whole number from 1 to 4096",
  }),
};

export type SourceSettings = z.output<z.ZodObject<typeof sourceSettings>>;

/** An app's code, listed. */
export interface Source extends SourceFiles {
  /** Path of the folder or archive. */
  place: string;
  /** What its files are read from. */
  tree: SourceTree;
}

/** In bytes. */
export const megabyte = 1024 * 1024;

/** The code of apps, each listed (and an archive read) only once in a run. */
export class Sources {
  private readonly known = new Map<string, Source>();

  /** @param project folder that paths in the settings are relative to */
  constructor(private readonly project: string) {}

  /** @throws BadArchive */
  of({ source, exclude, maxSourceSize }: SourceSettings): Source {
    const key = JSON.stringify([source, exclude, maxSourceSize]);
    const listed = this.known.get(key) ?? list(path.resolve(this.project, source), exclude, maxSourceSize);
    this.known.set(key, listed);
    return listed;
  }
}

function list(place: string, exclude: readonly string[], maxSourceSize: number): Source {
  if (!fs.statSync(place).isFile()) {
    const tree = folderTree(fs.realpathSync.native(place));
    return { place, tree, ...sourceFiles(tree, exclude) };
  }
  const { tree, problems } = archiveTree(place, maxSourceSize * megabyte);
  const listed = sourceFiles(tree, exclude);
  return { place, tree, ...listed, problems: [...problems, ...listed.problems] };
}

/** How many files a message names. */
export const mostNamed = 20;

/** A list for a message: a line for each. */
export function lines(all: readonly string[]): string {
  const rest = all.length - mostNamed;
  const named = [...all.slice(0, mostNamed), ...(rest > 0 ? [`and ${rest} more`] : [])];
  return named.map((it) => `    ${it}`).join("\n");
}

/** What a deployment says about an app's code: what is left out, but probably needed. */
export function sourceNotes(app: string, source: Source): { warnings: string[]; notices: string[] } {
  const { oddities, environmentFiles, leftOut } = source;
  const quoted = environmentFiles.map((name) => JSON.stringify(name));
  const ignoredPython = leftOut.filter(({ by, isPython }) => isPython && by !== "exclude");
  const [first] = ignoredPython;
  return {
    warnings: [
      ...(oddities.length > 0 ? [`The code of app ${app} is packed without:\n${lines(oddities)}`] : []),
      ...(quoted.length > 0
        ? [
            `The code of app ${app} is packed without files that may hold secrets:\n${lines(quoted)}\n` +
              `Fix: use apps.${app}.environment and apps.${app}.secrets for what the app needs of them.`,
          ]
        : []),
    ],
    notices:
      first === undefined
        ? []
        : [
            `The code of app ${app} is packed without Python files that an ignore file leaves out:\n` +
              lines(ignoredPython.map(({ name, by }) => `${JSON.stringify(name)} (left out because ${by} says so)`)) +
              `\nTo include them: negate with apps.${app}.exclude, for example ["!${first.name}"].`,
          ],
  };
}
