import { readdirSync } from "node:fs";
import { join, relative } from "node:path";

export interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** If the program may be missing: why, and what installs it. The check is then skipped. */
  readonly optional?: string;
}

/** The folders of this project's shell scripts. */
const scriptFolders = ["assets", "bench", "test"];

/** All checks, in the order in which they run. */
export function checks(root: string): Check[] {
  const scripts = scriptFolders.flatMap((folder) => filesBelow(join(root, folder), ".sh"));
  return [
    npmCheck(root, "types", "typescript/bin/tsc", ["--noEmit", "-p", "tsconfig.check.json"]),
    npmCheck(root, "eslint", "eslint/bin/eslint.js", ["."]),
    npmCheck(root, "prettier", "prettier/bin/prettier.cjs", ["--check", "--log-level", "warn", "."]),
    {
      name: "shellcheck",
      command: "shellcheck",
      args: [...scripts.map((file) => relative(root, file)), ".ci/run"],
    },
    {
      ...{ name: "actionlint", command: "actionlint", args: [] },
      optional: "it checks workflows, and building it needs Go (https://go.dev/doc/install)",
    },
  ];
}

function npmCheck(root: string, name: string, script: string, args: readonly string[]): Check {
  return { name, command: process.execPath, args: [join(root, "node_modules", script), ...args] };
}

export function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}
