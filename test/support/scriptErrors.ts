// Reads the error texts of a bash script: the arguments of `fail`, of `quietly` and its kin, and the values of `advice`.

interface ScriptError {
  line: number;
  what?: string;
  fix?: string;
  part?: "what" | "fix";
}

export function scriptErrors(script: string): ScriptError[] {
  // Comments keep their place, so that line numbers stay right.
  const text = script.replace(/^\s*#.*$/gm, (comment) => " ".repeat(comment.length));
  const lineOf = (index: number) => text.slice(0, index).split("\n").length;
  return [...text.matchAll(/(?<![\w-])(fail|quietly|build|install_known|advice=|printf)(?=[\s"])/g)].flatMap(
    ({ index, 0: name }): ScriptError[] => {
      const [first, second] = words(text, index + name.length);
      const line = lineOf(index);
      if (first === undefined) return [];
      if (name === "fail")
        return first.startsWith("$what ")
          ? [{ line, ...fixOf(second), part: "fix" }]
          : [{ line, what: first, ...fixOf(second) }];
      // lib.sh completes the text.
      if (name !== "advice=" && name !== "printf")
        return first.startsWith("$") ? [] : [{ line, what: `${first} failed.`, part: "what" }];
      if (name === "advice=") return [{ line, fix: first, part: "fix" }];
      return first.endsWith("If it is right, ") ? [{ line, fix: first, part: "fix" }] : [];
    },
  );
}

/** A fix may begin with `$clock`, which is another fix and ends with "If it is right, ". */
function fixOf(fix: string | undefined): { fix?: string } {
  return fix === undefined ? {} : { fix: fix.replace(/^\$clock/, "") };
}

/** The double-quoted words that follow, without what they expand to. */
function words(text: string, start: number): string[] {
  const found: string[] = [];
  let position = start;
  for (;;) {
    position += /^(?:[ \t]|\\\n)*/.exec(text.slice(position))?.[0].length ?? 0;
    if (text[position] !== '"') return found;
    const word = quoted(text, position + 1);
    found.push(word.value);
    position = word.end;
  }
}

/** Reads up to the closing quote. A variable stays `$name`, a command becomes `…`, and `${name:-TEXT}` becomes its text. */
function quoted(text: string, start: number): { value: string; end: number } {
  let value = "";
  let position = start;
  while (position < text.length && text[position] !== '"') {
    const rest = text.slice(position);
    const variable = /^\$\{?(\w+)/.exec(rest);
    if (rest.startsWith("\\")) {
      value += text[position + 1] ?? "";
      position += 2;
    } else if (rest.startsWith("$(")) {
      value += "…";
      position = skip(text, position + 2, "(", ")");
    } else if (rest.startsWith("${")) {
      const end = skip(text, position + 2, "{", "}");
      const [, fallback] = /^\$\{\w+:-([^]*)\}$/.exec(text.slice(position, end)) ?? [];
      value += fallback ?? `$${variable?.[1] ?? ""}`;
      position = end;
    } else if (variable) {
      value += variable[0];
      position += variable[0].length;
    } else {
      value += text[position] ?? "";
      position += 1;
    }
  }
  return { value, end: position + 1 };
}

/** The position after the closing bracket. */
function skip(text: string, start: number, open: string, close: string): number {
  let position = start;
  for (let depth = 1; depth > 0 && position < text.length; position++) {
    const character = text[position];
    if (character === "\\") position++;
    else if (character === '"') position = quoted(text, position + 1).end - 1;
    else if (character === open) depth++;
    else if (character === close) depth--;
  }
  return position;
}
