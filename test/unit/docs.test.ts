// The documentation is short where it should be, current, and names only what exists.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as yaml from "js-yaml";
import { settingsPage } from "../../docs/generator/settingsPage";
import { settingSections } from "../../settings/describe";
import { settingsSchema } from "../../settings/schema";
import { root } from "../support/root";

const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

/** Files below a folder of the project, by their paths in the project; none if there is no such folder. */
function filesBelow(folder: string): string[] {
  if (!fs.existsSync(path.join(root, folder))) return [];
  const names = fs.readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
  return names.map((name) => path.posix.join(folder, name));
}

const pages = [...fs.readdirSync(root), ...filesBelow("docs"), ...filesBelow("toolchain")]
  .filter((file) => file.endsWith(".md"))
  .map((file) => {
    const text = read(file);
    return { file, text, prose: text.replace(/^ *```[^]*?^ *```$/gm, ""), folder: path.dirname(file) };
  });

/** What each page has of a pattern's first group, as `PAGE: MATCH`. */
function found(pattern: RegExp, part: "text" | "prose" = "text"): { file: string; match: string }[] {
  return pages.flatMap((page) =>
    [...page[part].matchAll(pattern)].map(([, match = ""]) => ({ file: page.file, match })),
  );
}

function assertNone(problems: readonly { file: string; match: string }[], fix: string): void {
  const list = problems.map(({ file, match }) => `  ${file}: ${match}`);
  assert.equal(list.length, 0, `${list.join("\n")}\nFix: ${fix}`);
}

describe("the README", () => {
  const lines = read("README.md").trimEnd().split("\n");

  it("The README has at most 150 lines", () => {
    assert.ok(lines.length <= 150, `README.md has ${lines.length} lines. Fix: move details to docs/.`);
  });

  it("The README has at most 10 KB", () => {
    const size = Buffer.byteLength(read("README.md"));
    assert.ok(size <= 10_000, `README.md has ${size} bytes. Fix: move details to docs/.`);
  });

  it("The README has no line of more than 160 characters", () => {
    const long = lines.filter((line) => line.length > 160);
    assert.deepEqual(long, [], "Fix: break these lines of README.md.");
  });
});

describe("the generated settings page", () => {
  it("docs/settings.md says what the schema says", () => {
    assert.equal(read("docs/settings.md"), settingsPage(), "docs/settings.md is out of date. Fix: run npm run docs");
  });
});

describe("links in the documentation", () => {
  /** Anchors that GitHub gives a page's headings. */
  const anchors = (prose: string) =>
    [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    );

  it("Every relative link in the documentation leads to a file that exists", () => {
    const missing = found(/\]\(([^)\s#]+)[^)\s]*\)/g, "prose").filter(
      ({ file, match }) => !/^\w+:/.test(match) && !fs.existsSync(path.join(root, path.dirname(file), match)),
    );
    assertNone(missing, "correct these links.");
  });

  it("Every anchor of a link in the documentation is a heading of the page that it leads to", () => {
    const wrong = found(/\]\(((?!\w+:)[^)\s]*#[^)\s]+)\)/g, "prose").filter(({ file, match }) => {
      const [target = "", anchor = ""] = match.split("#");
      const name = target === "" ? file : path.posix.join(path.posix.dirname(file), target);
      const page = pages.find((it) => it.file === name);
      return !page || !anchors(page.prose).includes(anchor);
    });
    assertNone(wrong, "correct these anchors: a heading in lower case, with hyphens for spaces.");
  });
});

describe("commands and settings in the documentation", () => {
  const keys = settingSections().flatMap(({ rows }) => rows.map(({ key }) => key));
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

  it("Every npm script that the documentation names exists", () => {
    const names = found(/\bnpm (?:run (?:--silent )?)?(start|test|(?<=run (?:--silent )?)[a-z][a-z:]*)/g);
    assert.ok(names.length > 20, "The pattern finds hardly any npm command. Fix: correct this test.");
    assertNone(
      names.filter(({ match }) => !(match in scripts)),
      "name scripts of package.json.",
    );
  });

  it("Every key that the documentation sets with pulumi config set is a setting", () => {
    const set = found(/pulumi config set (?:--\S+ )*'?([a-z][\w.[\]]*)/g);
    assert.ok(set.length > 10, "The pattern finds hardly any command. Fix: correct this test.");
    const isKey = (match: string) => {
      const key = match.replace(/\[\d+\]/g, "").replace(/^apps\.[a-z][a-z0-9-]*/, "apps.APP");
      return keys.includes(key.replace(/\.secrets\.\w+$/, ".secrets.NAME"));
    };
    assertNone(
      set.filter(({ match }) => !isKey(match)),
      "use the keys of docs/settings.md.",
    );
  });

  it("Every setting that the documentation mentions exists", () => {
    const mentioned = found(/`((?:server|apps\.APP)(?:\.[A-Za-z]+)+)/g, "prose").filter(
      ({ match }) => !match.endsWith(".ts"),
    );
    assert.ok(mentioned.length > 20, "The pattern finds hardly any setting. Fix: correct this test.");
    const exists = (match: string) => keys.some((key) => key === match || key.startsWith(`${match}.`));
    assertNone(
      mentioned.filter(({ match }) => !exists(match)),
      "use the keys of docs/settings.md.",
    );
  });

  for (const { file, match } of found(/^```yaml\n(config:\n[^]*?)^```$/gm)) {
    const { config } = yaml.load(match) as { config: { server?: { kind?: string } } };
    const name = [...Object.keys(config), config.server?.kind ?? ""].join(" ").trim();
    it(`The schema accepts the example in ${file} of ${name}`, () => {
      const { error } = settingsSchema.safeParse(config);
      const issues = error?.issues.map(({ path: at, message }) => `${at.join(".")}: ${message}`) ?? [];
      assert.deepEqual(issues, [], `Fix: correct the example in ${file} (docs/generator/sections.ts for settings.md).`);
    });
  }
});

describe("errors quoted in Troubleshooting", () => {
  /** Printed by the engine, its plugins, or the SSH library. */
  const printedByOthers = [
    "after 10 failed attempts: dial tcp 127.0.0.1:2222: connect: connection refused",
    "ssh: handshake failed: ssh: host key mismatch",
    "ssh: handshake failed: ssh: unable to authenticate",
  ];
  const folders = [
    "assets/scripts",
    "assets/toolkit",
    "components",
    "platforms",
    "rendering",
    "servers",
    "settings",
    "toolchain",
  ];
  const sources = folders
    .flatMap(filesBelow)
    .filter((file) => /\.(sh|ts|mjs)$/.test(file))
    // The codes of AWS are in regular expressions.
    .map((file) => read(file).replaceAll("\\.", "."));
  const headings = [...read("docs/troubleshooting.md").matchAll(/^### (.*)$/gm)].map(([, title = ""]) => title);
  const quotes = headings.flatMap((title) => [...title.matchAll(/`(.+?)`/g)].map(([, quote = ""]) => quote));

  it("Every entry of Troubleshooting begins with a quoted error", () => {
    assert.deepEqual(
      headings.filter((title) => !title.startsWith("`")),
      [],
      "Fix: begin these headings of docs/troubleshooting.md with the error in backticks.",
    );
  });

  for (const quote of quotes.filter((it) => !printedByOthers.includes(it))) {
    it(`A source prints the error that Troubleshooting quotes: ${quote}`, () => {
      // … stands for a value.
      const parts = quote.replace(/ ?…$/, "").split("…");
      const pattern = new RegExp(parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".{1,80}?"));
      assert.ok(
        sources.some((text) => pattern.test(text)),
        "No source prints this error. Fix: quote its current text in docs/troubleshooting.md, or remove the entry.",
      );
    });
  }
});

describe("the Go version in the documentation", () => {
  it("The documentation asks for the Go version of the engine's module", () => {
    const modules = filesBelow("toolchain").filter((file) => path.basename(file) === "go.mod");
    assert.equal(modules.length, 1, `The toolchain has ${modules.length} files go.mod. Fix: correct this test.`);
    const [, version = ""] = /^go (\S+)$/m.exec(read(modules[0] ?? "")) ?? [];
    const text = `Go ${version} or newer`;
    assert.ok(read("docs/offline.md").includes(text), `Fix: say "${text}" in docs/offline.md.`);
  });
});
