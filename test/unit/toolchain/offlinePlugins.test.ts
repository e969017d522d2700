import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../support/root";
import { projectFolder, put, removeProjectFolders } from "./support";

describe("an offline plugin", () => {
  afterEach(removeProjectFolders);

  for (const name of ["command", "random"]) {
    it(`replaces the version of @pulumi/${name} that package.json pins`, () => {
      const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
      };
      const plugin = readFileSync(join(root, `toolchain/offline/plugins/pulumi-resource-${name}.ts`), "utf8");
      assert.equal(
        /version: "(.+)"/.exec(plugin)?.[1],
        dependencies[`@pulumi/${name}`],
        `compare the genuine plugin's new source with the offline plugin, then set the version there`,
      );
    });
  }

  it("is started from a bundle of its sources, with its arguments, and again when one of them has changed", () => {
    const folder = projectFolder();
    const name = `test-${process.pid}.ts`;
    const plugin = put(
      join(folder, name),
      `import { word } from "./word";\nconsole.log(word, process.argv.slice(2));\n`,
    );
    const start = () => execFileSync("node", [join(root, "toolchain/offline/start.mjs"), plugin, "127.0.0.1:1", "a b"]);
    try {
      put(join(folder, "word.ts"), `export const word: string = "one";\n`);
      assert.equal(start().toString(), "one [ '127.0.0.1:1', 'a b' ]\n");
      assert.equal(start().toString(), "one [ '127.0.0.1:1', 'a b' ]\n");
      put(join(folder, "word.ts"), `export const word: string = "another";\n`);
      assert.equal(start().toString(), "another [ '127.0.0.1:1', 'a b' ]\n");
    } finally {
      for (const ending of ["mjs", "sources.json"])
        rmSync(join(root, `.local/offline-plugins/${name}.${ending}`), { force: true });
    }
  });
});
