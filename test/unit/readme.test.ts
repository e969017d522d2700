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
});
