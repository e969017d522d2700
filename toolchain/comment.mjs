// What a pull request is told of a preview: the text of `pulumi preview --diff` as a comment that a person reads.

/** GitHub refuses comments of more than 65,536 characters. */
const limit = 60_000;
/** Lines of one resource; the engine shows a changed text with its surroundings only, so few have more. */
const linesOfResource = 60;

/** @typedef {{ sign: string, lines: string[], name: string }} Change */
/**
 * @typedef {object} Preview
 * @property {string} stack
 * @property {boolean} failed
 * @property {string} stdout of `pulumi preview --diff`, without colours
 * @property {string} stderr
 * @property {string} [runUrl] where all of it can be read
 */

/**
 * Marks the comment, so that the next preview of this stack finds and replaces it.
 * @param {string} stack
 */
export function marker(stack) {
  return `<!-- preview of stack ${stack} -->`;
}

/** @param {Preview} preview */
export function renderComment({ stack, failed, stdout, stderr, runUrl }) {
  const { changes, rest, summary } = parsePreview(withoutKeys(stdout));
  const wholeLog = runUrl ? `[All of it](${runUrl})` : "";
  if (failed) {
    const text = [rest.join("\n"), withoutKeys(stderr)].map((it) => it.trim()).filter(Boolean);
    return page(stack, "failed", [fenced("text", cutStart(text.join("\n\n"))), wholeLog]);
  }
  // A first preview has counts only: "+ 25 to create".
  const counts = summary.filter((line) => / to \w+$/.test(line)).join(", ");
  const title = summary.find((line) => /\bchanges?\b/.test(line)) ?? (counts || "changes of outputs only");
  if (changes.length === 0) return page(stack, "no changes", [wholeLog]);
  const { shown, left } = fitting(changes.sort((a, b) => rank(a) - rank(b)));
  const names = left.map(({ sign, name }) => `\`${sign} ${name}\``).join(", ");
  return page(stack, title, [
    fenced("diff", shown.map(({ lines }) => lines.join("\n")).join("\n\n")),
    left.length > 0 ? `Not shown, for a comment has a limit: ${cutEnd(names)}` : "",
    wholeLog,
  ]);
}

/** @param {string} stack @param {string} title @param {string[]} parts */
function page(stack, title, parts) {
  return `${[marker(stack), `### Preview of \`${stack}\`: ${title}`, ...parts.filter(Boolean)].join("\n\n")}\n`;
}

/**
 * The resources that change, and the lines before, between and after them.
 * @param {string} text
 */
export function parsePreview(text) {
  /** @type {Change[]} */
  const changes = [];
  /** @type {string[]} */
  const rest = [];
  /** @type {string[]} */
  const summary = [];
  let section = rest;
  /** @type {Change | undefined} */
  let change;
  /** @param {string} sign @param {string} name @param {string} title */
  const begin = (sign, name, title) => changes.push((change = { sign, name, lines: [title] }));
  for (const line of text.split("\n")) {
    const [, sign, type, action] = /^ *(\+-|--|\+\+|[+~-]) ?([\w-]+:\S+): \((\w+)\)/.exec(line) ?? [];
    const name = /^ *\[urn=.*::(.+)\]$/.exec(line)?.[1];
    if (sign) begin(sign, "", `(${action}, ${type})`);
    else if (/^ *--outputs:--/.test(line)) begin("~", "outputs", "! outputs of the stack");
    else if (/^Resources:/.test(line)) [change, section] = [undefined, summary];
    else if (/^(Diagnostics:|error:|warning:)|^ *\S+: \(same\)/.test(line)) [change, section] = [undefined, rest];
    if (!change) section.push(line);
    else if (name && change.name === "") {
      change.name = name;
      change.lines[0] = `${diffSign(change.sign)} ${name} ${change.lines[0]}`;
    } else if (!sign && !/^ *\[(urn|id|provider)=|^ *--outputs:--|^\s*$/.test(line)) {
      change.lines.push(diffLine(line));
    }
  }
  for (const { lines } of changes) {
    const more = lines.length - linesOfResource;
    if (more > 0) lines.splice(linesOfResource, more, `  … ${more} more lines`);
  }
  return { changes, rest, summary: summary.map((line) => line.trim()) };
}

/** GitHub colours a diff by the first character of a line; the engine indents its signs. @param {string} line */
function diffLine(line) {
  const [, indent = "", sign, text = ""] = /^( *)(\+-|[+~-])?( .*|\S.*)?$/.exec(line) ?? [];
  return sign ? `${diffSign(sign)}${indent}${text}` : ` ${line}`;
}

/** @param {string} sign */
function diffSign(sign) {
  return sign === "+" || sign === "-" ? sign : sign === "--" ? "-" : sign === "++" ? "+" : "!";
}

/** What ends something first, what only begins last. @param {Change} change */
function rank({ sign }) {
  return ["+-", "++", "--", "-", "~", "+"].indexOf(sign);
}

/** @param {Change[]} changes */
function fitting(changes) {
  let room = limit - 8000;
  const shown = changes.filter(({ lines }) => {
    const size = lines.reduce((sum, line) => sum + line.length + 1, 1);
    if (size > room) return false;
    room -= size;
    return true;
  });
  return { shown, left: changes.filter((change) => !shown.includes(change)) };
}

/** @param {string} text */
function cutEnd(text) {
  return text.length > 6000 ? `${text.slice(0, 6000)} …` : text;
}

/** The reason of a failure stands at the end. @param {string} text */
function cutStart(text) {
  return text.length > limit - 8000 ? `…\n${text.slice(text.indexOf("\n", text.length - limit + 8000) + 1)}` : text;
}

/** A fence that no text can close. @param {string} language @param {string} text */
function fenced(language, text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** The engine shows no secret; should a key ever slip through as plain text, it stops here. @param {string} text */
function withoutKeys(text) {
  return text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[secret]");
}
