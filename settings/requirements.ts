import * as path from "node:path";
import { codeText, hasFolder, type CodeFiles } from "./codeFiles";
import { lockProblem } from "./lockFiles";
import { placeholderPattern, placeholdersIn } from "./pip";
import { projectRequirements } from "./pyproject";

/** A mistake in the files that say what an app needs. */
export interface Problem {
  text: string;
  fix: string;
}

export interface Placeholder {
  /** Its line. */
  where: string;
  /** It begins a path. */
  isPath: boolean;
}

/** What pip installs for an app, and all of the code that this depends on. */
export interface Installation {
  /** The requirements file. Empty if there is none, or if `text` takes its place. */
  file: string;
  /** Requirements that are in no file of their own: those of a pyproject.toml. */
  text: string;
  /** Files that others name with -r or -c. */
  named: readonly string[];
  /** Packages in the code, such as wheels. */
  packages: readonly string[];
  /** It installs a folder of the code, so it depends on all of the code. */
  needsCode: boolean;
  /** The first use of each `${NAME}` in the files, by name: pip fills these in from its environment. */
  placeholders: ReadonlyMap<string, Placeholder>;
  problems: readonly Problem[];
}

/** Settings of an app that say what it needs. */
export interface RequirementsSettings {
  requirements?: string;
  extras: readonly string[];
}

const projectFiles = ["pyproject.toml", "setup.py"];
/** Files at the top of the code that are installed if the settings name none, the first of them. */
export const installedFiles = ["requirements.txt", ...projectFiles];

/** Reads what an app needs, as `pip install -r` in its folder would. */
export function installation(code: CodeFiles, settings: RequirementsSettings): Installation {
  const given = settings.requirements === undefined ? undefined : path.posix.normalize(settings.requirements);
  const isThere = (it: string) => code.names.includes(it) || isIgnored(code, it);
  const name = given ?? installedFiles.find(isThere);
  if (given === undefined && name !== undefined && isIgnored(code, name)) return nothing(ignored(code, name));
  const locked = lockProblem(code, given);
  if (name === undefined || (given !== undefined && locked)) return nothing(...(locked ? [locked] : unused(settings)));
  if (!code.names.includes(name)) {
    const fix = "set it to the path of a packed file, relative to the app's source.";
    return nothing({ text: `${name} is not among the packed files of the app.`, fix });
  }
  if (!projectFiles.includes(path.posix.basename(name))) {
    const found = new Reader(code).file(name).found;
    return { ...found, file: name, text: "", problems: [...unused(settings), ...found.problems] };
  }
  const project = projectRequirements(code, path.posix.dirname(name), settings.extras);
  if (project.problem) return nothing(project.problem);
  if (project.text === "") return nothing(...(locked ? [locked] : unused(settings)));
  return { ...new Reader(code).text(name, project.text).found, file: "", text: project.text };
}

function isIgnored({ leftOut = [] }: CodeFiles, name: string): boolean {
  return leftOut.some((it) => it.name === name && it.by !== "exclude");
}

function ignored({ leftOut = [] }: CodeFiles, name: string): Problem {
  const by = leftOut.find((it) => it.name === name)?.by;
  const fix = `add "!${name}" to apps.APP.exclude, or "${name}" if it is not to be installed.`;
  return { text: `${name} says what the app needs, but ${by} leaves it out.`, fix };
}

function nothing(...problems: readonly Problem[]): Installation {
  return { file: "", text: "", named: [], packages: [], needsCode: false, placeholders: new Map(), problems };
}

function unused({ extras }: RequirementsSettings): Problem[] {
  if (extras.length === 0) return [];
  const fix = "remove the setting extras, or set requirements to pyproject.toml.";
  return [{ text: `the extras ${extras.join(", ")} are not installed, because they are those of a project.`, fix }];
}

interface Line {
  file: string;
  number: number;
  text: string;
}

const archive = /\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lzma|lz))$/i;

/** Follows the files that requirements name. */
class Reader {
  private readonly named = new Set<string>();
  private readonly packages = new Set<string>();
  private readonly placeholders = new Map<string, Placeholder>();
  private readonly problems: Problem[] = [];
  private needsCode = false;
  private first = "";

  constructor(private readonly code: CodeFiles) {}

  get found() {
    const { needsCode, placeholders, problems } = this;
    return { named: [...this.named], packages: [...this.packages], needsCode, placeholders, problems };
  }

  file(name: string): this {
    if (this.first === "") this.first = name;
    return this.text(name, codeText(this.code, name));
  }

  text(file: string, text: string): this {
    for (const [number, line] of logicalLines(text)) this.line({ file, number, text: line });
    // Comments are shown as well.
    for (const [index, line] of physicalLines(text).entries()) {
      if (hasPassword(line)) this.password({ file, number: index + 1, text: line });
    }
    return this;
  }

  private password(line: Line): void {
    this.problems.push({
      text: `${whereOf(line)} has a password or a token in a URL, which previews and the state would show.`,
      fix: "write ${NAME} in its place, and set apps.APP.pip.secrets.NAME with --secret.",
    });
  }

  private line(line: Line): void {
    for (const name of placeholdersIn(line.text)) {
      if (this.placeholders.has(name)) continue;
      const isPath = new RegExp(`(^|[\\s=]|file:/*)\\$\\{${name}\\}/`).test(line.text);
      this.placeholders.set(name, { where: whereOf(line), isPath });
    }
    const words = wordsOf(line.text);
    if (!line.text.startsWith("-")) {
      this.requirement(line, line.text.replace(/\s--?[a-z].*$/, ""));
      return;
    }
    for (let index = 0; index < words.length; index++) {
      const [, option = "", attached] = /^(--[a-z-]+|-[a-z])=?(.+)?$/.exec(words[index] ?? "") ?? [];
      const value = () => attached ?? words[++index] ?? "";
      if (["-r", "--requirement", "-c", "--constraint"].includes(option)) this.include(line, value());
      else if (["-e", "--editable"].includes(option)) this.local(line, value());
      else if (["-f", "--find-links"].includes(option)) this.links(line, value());
    }
  }

  private include(line: Line, value: string): void {
    const name = this.resolve(line, value, path.posix.dirname(line.file));
    if (name === undefined || name === this.first || this.named.has(name)) return;
    if (!this.code.names.includes(name)) {
      this.missing(line, value, name);
      return;
    }
    this.named.add(name);
    this.file(name);
  }

  private requirement(line: Line, text: string): void {
    const [, url] = /^[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*(.+)$/.exec(text) ?? [];
    const value = (url ?? text).replace(/\s*;.*$/, url === undefined ? "" : "$&").replace(/\s+;.*$/, "");
    const isPath =
      /^file:/i.test(value) || (!/^[a-z+]+:/i.test(value) && (/^\.|\//.test(value) || archive.test(value)));
    if (isPath) this.local(line, value);
  }

  /** A folder or a package of the code. */
  private local(line: Line, value: string): void {
    const place = value
      .replace(/^file:(\/\/(?=\/))?/i, "")
      .replace(/#.*$/, "")
      .replace(/\[[^\]]*\]$/, "");
    const name = this.resolve(line, place, ".");
    if (name === undefined) return;
    if (this.code.names.includes(name)) this.packages.add(name);
    else if (hasFolder(this.code, name)) this.needsCode = true;
    else this.missing(line, place, name);
  }

  private links(line: Line, value: string): void {
    // pip tries the file's own folder first.
    const beside = withoutSlash(path.posix.join(path.posix.dirname(line.file), value));
    const base = hasFolder(this.code, beside) || this.code.names.includes(beside) ? path.posix.dirname(line.file) : ".";
    const name = this.resolve(line, value.replace(/^file:(\/\/(?=\/))?/i, ""), base);
    if (name === undefined) return;
    const inside = this.code.names.filter((it) => it === name || path.posix.dirname(it) === name);
    for (const it of inside) this.packages.add(it);
    if (inside.length === 0 && !hasFolder(this.code, name)) this.missing(line, value, name);
  }

  /** @returns undefined for what is not in the code: a URL, a place on the server */
  private resolve(line: Line, value: string, base: string): string | undefined {
    if (value === "" || /^([a-z+]+:|\/|.*\$\{)/i.test(value)) return undefined;
    const name = withoutSlash(path.posix.join(base, value));
    if (!/^\.\.(\/|$)/.test(name)) return name;
    const fix = "put it into the app's source, and name it there.";
    this.problems.push({ text: `${whereOf(line)} names ${value}, which leads out of the app's source.`, fix });
    return undefined;
  }

  private missing(line: Line, value: string, name: string): void {
    const found = leaveOut(this.code, name);
    const because = found === undefined ? "" : `, because ${found.by} leaves out ${found.name}`;
    this.problems.push({
      text: `${whereOf(line)} names ${value}, which is not among the packed files of the app${because}.`,
      fix: found?.fix ?? `add it to the app's source, or correct ${line.file}.`,
    });
  }
}

/** What leaves out a file or folder, or what is in it. */
function leaveOut({ leftOut = [] }: CodeFiles, place: string) {
  const isIn = (inner: string, outer: string) => `${inner}/`.startsWith(outer.replace(/\/?$/, "/"));
  const found = leftOut.find(({ name }) => isIn(place, name) || isIn(name, place));
  if (found === undefined) return undefined;
  const { name, by } = found;
  if (by === "exclude")
    return { name, by: "apps.APP.exclude", fix: "remove what leaves it out from apps.APP.exclude." };
  return { name, by, fix: `add "!${isIn(place, name) ? name : `${place}/**`}" to apps.APP.exclude.` };
}

const withoutSlash = (name: string) => name.replace(/(?<=.)\/$/, "");
const whereOf = ({ file, number }: Line) => `line ${number} of ${file}`;

/** The words of a line with options, as a shell divides it. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ""));
}

const physicalLines = (text: string) => text.split(/\r\n|\r|\n/);

/** Whether a URL in a line has a password, or a token as its user, that is not a placeholder. */
function hasPassword(line: string): boolean {
  return [...line.matchAll(/([a-z][a-z0-9+.-]*):\/\/([^\s/?#]*)@/gi)].some(([, scheme = "", credentials = ""]) => {
    const [user = "", ...rest] = credentials.split(":");
    const password = rest.join(":");
    if (password !== "") return !isPlaceholder(password);
    // Over SSH it is only a name, and `git` is one everywhere.
    return /https?$/i.test(scheme) && !["", "git"].includes(user) && !isPlaceholder(user);
  });
}

const isPlaceholder = (text: string) => text.replace(placeholderPattern, "") === "";

/** Lines without comments, with their numbers. A backslash at the end of a line continues it. */
function logicalLines(text: string): (readonly [number: number, text: string])[] {
  const lines: [number, string][] = [];
  let isContinued = false;
  for (const [index, line] of physicalLines(text).entries()) {
    const isComment = /^\s*#/.test(line);
    const continues = line.endsWith("\\") && !isComment;
    const part = isComment ? ` ${line}` : continues ? line.replace(/\\+$/, "") : line;
    const last = lines.at(-1);
    if (isContinued && last) last[1] += part;
    else lines.push([index + 1, part]);
    isContinued = continues;
  }
  return lines
    .map(([number, line]) => [number, line.replace(/(^|\s+)#.*$/, "").trim()] as const)
    .filter(([, line]) => line !== "");
}
