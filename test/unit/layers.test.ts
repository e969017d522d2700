// Imports point downwards only: see CONTRIBUTING.md.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "../support/engine";

/** What the files of each folder may import from the project, besides their own folder. */
const below: Record<string, readonly string[]> = {
  platforms: [],
  settings: ["platforms"],
  rendering: ["platforms", "settings"],
  components: ["platforms", "settings", "rendering"],
};

const imports = (file: string) =>
  [...fs.readFileSync(file, "utf8").matchAll(/^(?:import|export) .*? from "(.+?)";$/gms)].map(([, from]) => from ?? "");

for (const [folder, allowed] of Object.entries(below)) {
  describe(`the folder ${folder}`, () => {
    for (const name of fs.readdirSync(path.join(root, folder))) {
      it(`imports downwards only: ${name}`, () => {
        const found = imports(path.join(root, folder, name));
        const project = found.filter((from) => from.startsWith("../")).map((from) => from.split("/")[1] ?? "");
        assert.deepEqual(
          project.filter((from) => !allowed.includes(from)),
          [],
        );
        if (folder !== "components")
          assert.deepEqual(
            found.filter((from) => from.startsWith("@pulumi/")),
            [],
          );
      });
    }
  });
}

describe("the stand-ins", () => {
  it("are no part of the program", () => {
    const files = [
      "index.ts",
      ...Object.keys(below).flatMap((folder) =>
        fs.readdirSync(path.join(root, folder)).map((name) => path.join(folder, name)),
      ),
    ];
    for (const file of files)
      assert.ok(!imports(path.join(root, file)).some((from) => from.includes("toolchain")), file);
  });
});

describe("a cloud's packages", () => {
  it("are loaded by the stacks with a server there only", () => {
    const files = ["index.ts", ...fs.readdirSync(path.join(root, "components")).map((name) => `components/${name}`)];
    for (const file of files.filter((name) => !name.startsWith("components/aws"))) {
      const loaded = imports(path.join(root, file)).filter((from) => /^@pulumi\/aws|\/aws\w*$/.test(from));
      assert.deepEqual(loaded, [], file);
    }
  });
});
