// What the README says of the settings is what the schema says.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as prettier from "prettier";
import { settingRows } from "../../settings/describe";
import { root } from "../support/engine";

const readme = path.join(root, "README.md");
const [start, end] = [
  "<!-- settings: begin (made from settings/schema.ts, see CONTRIBUTING.md) -->",
  "<!-- settings: end -->",
];

function table(): string {
  const rows = settingRows().map(
    ({ key, meaning, allowed, default: value }) => `| \`${key}\` | ${meaning} | ${allowed} | ${value} |`,
  );
  return ["| setting | meaning | allowed | default |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

describe("the README", () => {
  it("has a row for each setting: meaning, range, default", async () => {
    const text = fs.readFileSync(readme, "utf8");
    const [before = "", rest = ""] = text.split(start);
    const after = rest.split(end)[1];
    assert.ok(after !== undefined, `README.md lacks ${start} or ${end}`);
    const expected = await prettier.format(`${before}${start}\n\n${table()}\n\n${end}${after}`, { parser: "markdown" });
    // To take a changed schema over: UPDATE_README=1 npm test -- test/unit/readme.test.ts
    if (process.env.UPDATE_README) fs.writeFileSync(readme, expected);
    assert.equal(fs.readFileSync(readme, "utf8"), expected);
  });

  describe("quotes in its troubleshooting what is really printed", () => {
    /** What the engine and its plugins print, or what they print of others. */
    const others = [
      "after 10 failed attempts: dial tcp 127.0.0.1:2222: connect: connection refused",
      "ssh: handshake failed: ssh: host key mismatch",
      "ssh: handshake failed: ssh: unable to authenticate",
    ];
    const folders = ["assets/scripts", "components", "platforms", "rendering", "settings", "toolchain"];
    const sources = folders
      .flatMap((folder) => fs.readdirSync(path.join(root, folder)).map((name) => path.join(root, folder, name)))
      .filter((file) => /\.(sh|ts|mjs)$/.test(file))
      .map((file) => fs.readFileSync(file, "utf8"));
    const [, section = ""] = /^## Troubleshooting\n([^]*?)^## /m.exec(fs.readFileSync(readme, "utf8")) ?? [];
    const cells = [...section.matchAll(/^\| (`.*?)\|/gm)].map(([, cell]) => cell ?? "");
    const quotes = cells.flatMap((cell) => [...cell.matchAll(/`(.+?)`/g)].map(([, quote]) => quote ?? ""));

    it("in every row", () => {
      assert.equal(cells.length, section.split("\n").filter((line) => line.startsWith("|")).length - 2);
    });

    for (const quote of quotes.filter((it) => !others.includes(it))) {
      it(quote, () => {
        // … stands for what differs.
        const parts = quote.replace(/ ?…$/, "").split("…");
        const pattern = new RegExp(parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".{1,80}?"));
        assert.ok(sources.some((text) => pattern.test(text)));
      });
    }

    it("and asks for the Go that the engine's module asks for", () => {
      const [, version = ""] = /^go (\S+)$/m.exec(fs.readFileSync(path.join(root, "toolchain/offline/engine/go.mod"), "utf8")) ?? [];
      assert.ok(fs.readFileSync(readme, "utf8").includes(`(Go ${version} or newer; `), version);
      assert.ok(sources.some((text) => text.includes(`- Go ${version} or newer (https://go.dev/doc/install)`)));
    });
  });
});
