// A preview as a comment on a pull request: the text of `pulumi preview --diff`, arranged for a reader. The text and not
// the engine's events, because only the engine's own display shows which lines of a value change.

/** GitHub rejects comments of more than 65,536 characters. */
const limit = 60_000;
/** Lines per resource; most have fewer, because the engine shows a changed text with a few lines of context. */
const maxLines = 60;

interface Change {
  readonly sign: string;
  name: string;
  readonly lines: string[];
}

export interface Preview {
  readonly stack: string;
  readonly failed: boolean;
  /** Of `pulumi preview --diff`, without colours. */
  readonly stdout: string;
  readonly stderr: string;
  /** Where the whole text can be read. */
  readonly runUrl?: string;
}

/** The start of the comment, by which the next preview of the stack finds and replaces it. */
export function marker(stack: string): string {
  return `<!-- preview of stack ${stack} -->`;
}

export function renderComment({ stack, failed, stdout, stderr, runUrl }: Preview): string {
  const { changes, rest, summary } = parsePreview(withoutKeys(stdout));
  const log = runUrl ? `[Complete log](${runUrl})` : "";
  if (failed) {
    const text = [rest.join("\n"), withoutKeys(stderr)].map((part) => part.trim()).filter(Boolean);
    return page(stack, "failed", [fenced("text", cutStart(text.join("\n\n"))), log]);
  }
  if (changes.length === 0) return page(stack, "no changes", [log]);
  const { shown, left } = fitting(changes.sort((a, b) => rank(a) - rank(b)));
  const names = left.map(({ sign, name }) => `\`${sign} ${name}\``).join(", ");
  return page(stack, titleOf(summary), [
    fenced("diff", shown.map(({ lines }) => lines.join("\n")).join("\n\n")),
    left.length > 0 ? `Not shown, because the length of a comment is limited: ${cutEnd(names)}` : "",
    log,
  ]);
}

/** A first preview has counts only: "+ 25 to create". */
function titleOf(summary: readonly string[]): string {
  const counts = summary.filter((line) => / to \w+$/.test(line)).join(", ");
  return summary.find((line) => /\bchanges?\b/.test(line)) ?? (counts || "changes of outputs only");
}

function page(stack: string, title: string, parts: readonly string[]): string {
  return `${[marker(stack), `### Preview of \`${stack}\`: ${title}`, ...parts.filter(Boolean)].join("\n\n")}\n`;
}

/** The resources that change, the lines of the summary, and all other lines. */
export function parsePreview(text: string) {
  const [all, rest, summary]: [Change[], string[], string[]] = [[], [], []];
  let section = rest;
  let change: Change | undefined;
  // Of the properties of a resource that is updated only those that change are shown.
  let unchangedProperty: RegExp | undefined;
  let isShown = true;
  const begin = (sign: string, name: string, title: string) => {
    [unchangedProperty, isShown] = [undefined, true];
    all.push((change = { sign, name, lines: [title] }));
  };
  for (const line of text.split("\n")) {
    const [, sign, type, action] = /^ *(\+-|--|\+\+|[+~-]) ?([\w-]+:\S+): \((\w+)\)/.exec(line) ?? [];
    const [, indent = "", name] = /^( *)\[urn=.*::(.+)\]$/.exec(line) ?? [];
    if (sign) begin(sign, "", `(${action}, ${type})`);
    else if (/^ *--outputs:--/.test(line)) begin("~", "outputs", "! outputs of the stack");
    else if (line.startsWith("Resources:")) [change, section] = [undefined, summary];
    else if (/^(Diagnostics:|error:|warning:)|^ *\S+: \(same\)/.test(line)) [change, section] = [undefined, rest];
    if (!change) section.push(line);
    else if (name && change.name === "") {
      change.name = name;
      change.lines[0] = `${diffSign(change.sign)} ${name} ${change.lines[0]}`;
      if (change.sign === "~") unchangedProperty = new RegExp(`^${indent}[\\w/]`);
    } else if (!sign && !/^ *\[(urn|id|provider)=|^ *--outputs:--|^\s*$/.test(line)) {
      if (unchangedProperty?.test(line)) isShown = false;
      else if (/^ *[+~-] /.test(line)) isShown = true;
      if (isShown) change.lines.push(diffLine(line));
    }
  }
  // The engine updates it for an input that is not shown: that of a step, whose component shows the texts.
  const visible = all.filter(({ sign, lines }) => sign !== "~" || lines.length > 1);
  const changes = visible.length > 0 ? visible : all;
  for (const { lines } of changes) {
    const more = lines.length - maxLines;
    if (more > 0) lines.splice(maxLines, more, `  … ${more} more lines`);
  }
  return { changes, rest, summary: summary.map((line) => line.trim()) };
}

/** GitHub colours a diff by the first character of a line, but the engine indents its signs. */
function diffLine(line: string): string {
  const [, indent = "", sign, text = ""] = /^( *)(\+-|[+~-])?( .*|\S.*)?$/.exec(line) ?? [];
  return sign ? `${diffSign(sign)}${indent}${text}` : ` ${line}`;
}

function diffSign(sign: string): string {
  return sign === "+" || sign === "-" ? sign : sign === "--" ? "-" : sign === "++" ? "+" : "!";
}

/** Replacements and deletions come first, creations last. */
function rank({ sign }: Change): number {
  return ["+-", "++", "--", "-", "~", "+"].indexOf(sign);
}

function fitting(changes: readonly Change[]) {
  let space = limit - 8000;
  const shown = changes.filter(({ lines }) => {
    const size = lines.reduce((sum, line) => sum + line.length + 1, 1);
    if (size > space) return false;
    space -= size;
    return true;
  });
  return { shown, left: changes.filter((change) => !shown.includes(change)) };
}

function cutEnd(text: string): string {
  return text.length > 6000 ? `${text.slice(0, 6000)} …` : text;
}

/** The cause of a failure is at the end. */
function cutStart(text: string): string {
  return text.length > limit - 8000 ? `…\n${text.slice(text.indexOf("\n", text.length - limit + 8000) + 1)}` : text;
}

/** With a fence that is longer than any in the text. */
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** The engine hides secrets. This hides a private key that is not marked as one. */
function withoutKeys(text: string): string {
  return text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[secret]");
}
