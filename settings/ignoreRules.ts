import * as path from "node:path";
import ignore, { type Ignore } from "ignore";

/**
 * Names that are never part of an app's code: version control and this project's secrets, caches, environments, what editors
 * leave. Version control may hold secrets too, such as the token that a workflow has cloned with.
 */
const always = new Set([
  ...[".git", ".hg", ".svn", ".bzr", "CVS", "_darcs", ".local"],
  ...["__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", "node_modules"],
  ...[".venv", "venv", ".idea", ".vscode", ".DS_Store", "@eaDir"],
]);

/** Emacs marks a file that is being edited with a link `.#NAME` to nothing. */
const isLeftover = /^\.#|\.pyc$|\.swp$|~$/;

/** Whether nothing of this name is ever packed. */
export function isAlwaysLeftOut(name: string): boolean {
  return always.has(name) || isLeftover.test(name);
}

/** Whether a file of this name has variables of the environment, usually secrets. */
export function isEnvironmentFile(name: string): boolean {
  return /^\.env(\..*)?$/.test(name) && !/^\.env\.(example|sample|template|dist)$/.test(name);
}

/** A list of rules that leaves a file out. */
export type LeftOutBy = ".gitignore" | ".dockerignore" | "exclude";

interface Rule {
  pattern: string;
  mark: LeftOutBy;
}

/**
 * What the rules of a source leave out. The last rule that matches decides, as in git: those of `exclude` come last, and a
 * folder's .gitignore comes after those of the folders that it is in.
 */
export class IgnoreRules {
  private readonly all: Ignore;

  private constructor(
    private readonly rules: readonly Rule[],
    private readonly last: readonly Rule[],
  ) {
    this.all = ignore({ ignorecase: false }).add([...rules, ...last]);
  }

  /** @param exclude patterns as in a .gitignore */
  static of(exclude: readonly string[]): IgnoreRules {
    return new IgnoreRules(
      [],
      exclude.map((pattern) => ({ pattern, mark: "exclude" })),
    );
  }

  /** @param folder that the .gitignore is in */
  withGitignore(text: string, folder: string): IgnoreRules {
    const more = linesOf(text).map((line) => ({ pattern: below(folder, line), mark: ".gitignore" as const }));
    return new IgnoreRules([...this.rules, ...more], this.last);
  }

  withDockerignore(text: string): IgnoreRules {
    const more = dockerRules(text).map((pattern) => ({ pattern, mark: ".dockerignore" as const }));
    return new IgnoreRules([...this.rules, ...more], this.last);
  }

  /** Of something in a folder that is not left out itself. */
  leftOutBy(name: string, isFolder: boolean): LeftOutBy | undefined {
    if (this.rules.length + this.last.length === 0) return undefined;
    return this.all.test(isFolder ? `${name}/` : name).rule?.mark as LeftOutBy | undefined;
  }
}

function linesOf(text: string): string[] {
  return text.replace(/^\ufeff/, "").split(/\r?\n/);
}

/** The same pattern relative to the source. */
function below(folder: string, line: string): string {
  if (folder === "" || /^(#|\s*$)/.test(line)) return line;
  const [, not = "", pattern = ""] = /^(!?)(.*)$/.exec(line) ?? [];
  const isAnchored = /\/(?!\s*$)/.test(pattern);
  const escaped = folder.replace(/[\\*?[\]! #]/g, "\\$&");
  return `${not}/${escaped}/${isAnchored ? pattern.replace(/^\//, "") : `**/${pattern}`}`;
}

/**
 * Docker's patterns are relative to the source, and can include something in a folder that is left out. In a .gitignore, the
 * folder must be included first, and then what else is in it left out.
 */
function dockerRules(text: string): string[] {
  const rules: string[] = [];
  for (const line of linesOf(text).map((it) => it.trim())) {
    const [, not = "", given = ""] = /^(!?)\s*(.*)$/.exec(line) ?? [];
    if (given === "" || line.startsWith("#")) continue;
    const parts = path.posix
      .normalize(given)
      .split("/")
      .filter((part) => part !== "" && part !== ".");
    for (let length = 1; not !== "" && length < parts.length; length++) {
      const folder = parts.slice(0, length).join("/");
      if (!folder.startsWith("..") && ignore({ ignorecase: false }).add(rules).ignores(`${folder}/`)) {
        rules.push(`!/${folder}/`, `/${folder}/*`);
      }
    }
    if (parts.length > 0) rules.push(`${not}/${parts.join("/")}`);
  }
  return rules;
}
