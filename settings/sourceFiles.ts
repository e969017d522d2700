import * as path from "node:path";
import { IgnoreRules, isAlwaysLeftOut, isEnvironmentFile, type LeftOutBy } from "./ignoreRules";
import type { SourceTree } from "./sourceTree";

/** Links to folders can make very many files out of a few. */
const mostBehindLinks = 10_000;

export interface SourceFile {
  /** Relative to the source. */
  name: string;
  /** Its name in the source without a link on the way. */
  place: string;
  /** In bytes. */
  size: number;
  isExecutable: boolean;
}

/** A file or folder that a rule leaves out. */
export interface LeftOut {
  /** Relative to the source. A folder has a "/" at its end; what is in it is not named. */
  name: string;
  by: LeftOutBy;
  /** It is a Python file, or a folder with some. */
  isPython: boolean;
}

/** All is sorted by bytes, so that the order does not depend on the locale. */
export interface SourceFiles {
  files: SourceFile[];
  /** Folders with nothing in them. */
  emptyFolders: string[];
  /** What cannot be packed, by name, and why. */
  problems: string[];
  /** What is left out although it is not a rule that says so, by name, and why. */
  oddities: string[];
  /** Files with variables of the environment that are left out, by name. */
  environmentFiles: string[];
  /** What rules leave out. */
  leftOut: LeftOut[];
}

/**
 * The files of an app's code. A link stands for what it points to, which must be part of the source as well: whoever writes
 * the app must not get at other files of this computer.
 * @param exclude patterns as in a .gitignore
 */
export function sourceFiles(tree: SourceTree, exclude: readonly string[] = []): SourceFiles {
  const listing = new Listing(tree);
  listing.visit("", [""], IgnoreRules.of(exclude));
  return listing.sorted();
}

class Listing {
  private readonly found: SourceFiles = {
    ...{ files: [], emptyFolders: [], problems: [], oddities: [] },
    ...{ environmentFiles: [], leftOut: [] },
  };
  private behindLinks = 0;

  constructor(private readonly tree: SourceTree) {}

  /** @param places those of the folder and of the folders that it was reached through */
  visit(name: string, places: readonly string[], given: IgnoreRules): void {
    const place = places.at(-1) ?? "";
    const names = this.attempt(name, () => this.tree.list(place));
    if (names === undefined) return;
    if (names.length === 0 && name !== "") this.found.emptyFolders.push(name);
    if (name !== "" && isEnvironment(names)) return;
    let rules = given;
    if (name === "" && names.includes(".dockerignore")) {
      rules = rules.withDockerignore(this.text(path.posix.join(place, ".dockerignore")));
    }
    if (names.includes(".gitignore")) {
      rules = rules.withGitignore(this.text(path.posix.join(place, ".gitignore")), name);
    }
    for (const entry of names) {
      if (this.behindLinks > mostBehindLinks) return;
      if (!isAlwaysLeftOut(entry)) {
        this.add(path.posix.join(name, entry), path.posix.join(place, entry), places, rules);
      }
    }
  }

  private add(name: string, place: string, places: readonly string[], rules: IgnoreRules, isLink = false): void {
    const entry = this.attempt(name, () => this.tree.entry(place));
    if (entry === undefined) return;
    if (!isLink && this.isLeftOut(name, place, entry.type === "folder", rules)) return;
    if (entry.type === "link") this.follow(name, place, places, rules);
    else if (entry.type === "other") this.oddity(name, entry.what);
    else if (place !== name && ++this.behindLinks > mostBehindLinks) {
      this.problem(name, `one of more than ${mostBehindLinks} files behind links`);
    } else if (entry.type === "folder") this.visit(name, [...places, place], rules);
    else if (this.attempt(name, () => this.tree.requireReadable(place)) !== undefined) {
      this.found.files.push({ name, place, size: entry.size, isExecutable: entry.isExecutable });
    }
  }

  private follow(name: string, link: string, places: readonly string[], rules: IgnoreRules): void {
    const target = this.attempt(name, () => this.tree.target(link) ?? "a link to nothing");
    if (target === undefined) return;
    if (typeof target === "string") this.oddity(name, target);
    else if ("outside" in target) this.problem(name, `a link to ${target.outside}, which is not part of the source`);
    else if (places.includes(target.name)) this.oddity(name, "a link to a folder that it is in");
    else if (!this.isPart(target.name)) {
      this.problem(name, `a link to ${target.name}, which is not part of the source`);
    } else this.add(name, target.name, places, rules, true);
  }

  /** Whether something can be part of the source, under whatever name. */
  private isPart(place: string): boolean {
    const parts = place.split("/");
    if (parts.some((part) => isAlwaysLeftOut(part) || isEnvironmentFile(part))) return false;
    const above = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    return !above.some((it) => this.isEnvironment(it));
  }

  private isEnvironment(folder: string): boolean {
    try {
      return this.tree.entry(folder).type === "folder" && isEnvironment(this.tree.list(folder));
    } catch {
      return false;
    }
  }

  /** Whether a rule says so. */
  private isLeftOut(name: string, place: string, isFolder: boolean, rules: IgnoreRules): boolean {
    const by = rules.leftOutBy(name, isFolder);
    if (isEnvironmentFile(path.posix.basename(name))) {
      if (by !== "exclude" && !(isFolder && this.isEnvironment(place))) this.found.environmentFiles.push(name);
      return true;
    }
    if (by === undefined) return false;
    const isPython = isFolder ? this.holdsPython(place) : name.endsWith(".py");
    this.found.leftOut.push({ name: isFolder ? `${name}/` : name, by, isPython });
    return true;
  }

  private holdsPython(folder: string): boolean {
    try {
      const names = this.tree.list(folder);
      return !isEnvironment(names) && names.some((name) => name.endsWith(".py"));
    } catch {
      return false;
    }
  }

  /** Of a file with rules. As for git, it may not be a link. */
  private text(place: string): string {
    if (this.attempt(place, () => this.tree.entry(place))?.type !== "file") return "";
    if (this.attempt(place, () => this.tree.requireReadable(place)) === undefined) return "";
    return Buffer.concat([...this.tree.read(place)]).toString();
  }

  private problem(name: string, why: string): void {
    this.found.problems.push(`${JSON.stringify(name || ".")} (${why})`);
  }

  private oddity(name: string, why: string): void {
    this.found.oddities.push(`${JSON.stringify(name)} (${why})`);
  }

  /** Does something with a file. That it cannot be done is a problem, unless the file was removed a moment ago. */
  private attempt<T>(name: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      const isMissing = ["ENOENT", "ENOTDIR", "ELOOP"].includes(code);
      if (!isMissing) this.problem(name, `cannot be read: ${code}`);
      // Node writes this character for bytes that it cannot decode, and then finds no such file.
      else if (name.includes("\ufffd")) this.problem(name, "a name that is not UTF-8");
      return undefined;
    }
  }

  sorted(): SourceFiles {
    const { files, emptyFolders, problems, oddities, environmentFiles, leftOut } = this.found;
    return {
      files: files.sort((a, b) => byBytes(a.name, b.name)),
      emptyFolders: emptyFolders.sort(byBytes),
      problems: [...new Set(problems)].sort(byBytes),
      oddities: oddities.sort(byBytes),
      environmentFiles: environmentFiles.sort(byBytes),
      leftOut: leftOut.sort((a, b) => byBytes(a.name, b.name)),
    };
  }
}

/** Whether a folder with these names is a virtual environment. */
const isEnvironment = (names: readonly string[]) => names.includes("pyvenv.cfg");

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
