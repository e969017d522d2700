import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root as checkout } from "../../support/engine";
import { checks } from "../../../toolchain/checks.mjs";
import { nodeOfTests, requireNode } from "../../../toolchain/versions.mjs";
import { program, projectFolder, put, removeProjectFolders } from "./support";

// All programs are doubles; only what lies in a folder of the test's own is on PATH.
describe("npm test", () => {
  const tools = ["typescript/bin/tsc", "eslint/bin/eslint.js", "prettier/bin/prettier.cjs", "mocha/bin/mocha.js"];
  let root: string;

  beforeEach(() => {
    root = projectFolder();
    for (const tool of tools) put(join(root, "node_modules", tool), "console.log('  2 passing')");
    for (const folder of ["assets", "bench", "test/fakes"]) put(join(root, folder, "a.sh"), "");
    for (const name of ["shellcheck", "ssh-keygen"]) program(join(root, "programs", name));
  });
  afterEach(removeProjectFolders);

  function test(): Promise<{ code: number; output: string }> {
    const module = pathToFileURL(join(checkout, "toolchain/checks.mjs")).href;
    const script = `
      const { prepareTestPrograms, runTests } = await import(${JSON.stringify(module)});
      const root = ${JSON.stringify(root)};
      try {
        await prepareTestPrograms(root);
        await runTests(root, ["unit"], []);
      } catch (error) {
        process.stdout.write(String(error));
        process.exitCode = 1;
      }`;
    const env = { ...process.env, PATH: join(root, "programs") };
    return new Promise((done) => {
      execFile(process.execPath, ["--input-type=module", "-e", script], { env }, (error, stdout, stderr) => {
        done({ code: Number(error?.code ?? 0), output: stdout + stderr });
      });
    });
  }

  it("skips the check of the workflows where its program is not and cannot be built, and counts that", async () => {
    const { code, output } = await test();
    assert.match(output, /^- actionlint is skipped: .*Go \(https:\/\/go\.dev\/doc\/install\)/m);
    assert.match(output, /^6 passed, 0 failed, 1 skipped$/m);
    assert.equal(code, 0);
  });

  it("says what it did not run for a check that failed", async () => {
    put(join(root, "node_modules/eslint/bin/eslint.js"), "process.exitCode = 2");
    const { code, output } = await test();
    assert.equal(code, 1);
    assert.match(output, /^1 passed, 1 failed$/m);
    assert.match(output, /UserError: eslint failed; not run: prettier, shellcheck, actionlint, unit tests\.\n/);
  });

  it("does not say that anything was left out when the last of it failed", async () => {
    put(join(root, "node_modules/mocha/bin/mocha.js"), "console.log('  1 failing'); process.exitCode = 1");
    assert.match((await test()).output, /UserError: unit tests failed\.\n/);
  });

  it("looks at every shell script that is kept here", () => {
    const { args = [] } = checks(checkout).find(({ name }) => name === "shellcheck") ?? {};
    for (const file of ["assets/scripts/lib.sh", "bench/baseline/deploy.sh", ".ci/run"])
      assert.ok(args.includes(file), file);
  });

  it("needs a Node that its packages take, and the README says which; all else needs Node 20", () => {
    const takes = (version: string, command: string) => {
      try {
        requireNode(version, command);
        return true;
      } catch (error) {
        assert.equal((error as Error).name, "UserError");
        return false;
      }
    };
    for (const version of ["20.19.0", "22.13.1", "24.0.0", "25.1.0"]) assert.ok(takes(version, "test"), version);
    for (const version of ["20.18.9", "21.7.0", "22.12.0", "23.9.0"]) {
      assert.ok(!takes(version, "test"), version);
      assert.ok(takes(version, "start"), version);
    }
    assert.ok(!takes("18.20.0", "start"));
    const { packages } = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8"));
    assert.equal(packages["node_modules/eslint"].engines.node, "^20.19.0 || ^22.13.0 || >=24", "the narrowest of them");
    assert.ok(readFileSync(join(checkout, "README.md"), "utf8").includes(`Node ${nodeOfTests},`));
  });
});
