import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { checks } from "../../../toolchain/checks/checks";
import { planStages } from "../../../toolchain/checks/runTests";
import { root as checkout } from "../../support/root";
import { program, projectFolder, put, removeProjectFolders } from "./support";

// All programs are fakes: only what is in a folder of the test is on PATH.
describe("the checks of `npm test`", () => {
  const tools = ["typescript/bin/tsc", "eslint/bin/eslint.js", "prettier/bin/prettier.cjs"];
  let root: string;

  beforeEach(() => {
    root = projectFolder();
    for (const tool of tools) put(join(root, "node_modules", tool), "");
    for (const folder of ["assets", "bench", "test"]) put(join(root, folder, "a.sh"), "");
    for (const name of ["shellcheck", "ssh-keygen"]) program(join(root, "programs", name));
    fakeMocha({ passing: 2, failing: 0 });
  });
  afterEach(removeProjectFolders);

  function fakeMocha(counts: { passing: number; failing: number }): void {
    const result = { ...counts, pending: 0, times: { "test/unit/short.test.ts": 100, "test/unit/long.test.ts": 2300 } };
    const script = `require("fs").writeFileSync(process.env.MOCHA_RESULT, ${JSON.stringify(JSON.stringify(result))});
      process.exitCode = ${counts.failing};`;
    put(join(root, "node_modules/mocha/bin/mocha.js"), script);
  }

  function test(...kinds: string[]): Promise<{ code: number; output: string }> {
    const script = `
      const { prepareTestPrograms } = require("./toolchain/checks/programs");
      const { runTests } = require("./toolchain/checks/runTests");
      const root = ${JSON.stringify(root)};
      prepareTestPrograms(root).then(() => runTests(root, ${JSON.stringify(kinds.length > 0 ? kinds : ["unit"])}, [])).catch((error) => {
        process.stdout.write(String(error));
        process.exitCode = 1;
      });`;
    const env = { ...process.env, PATH: join(root, "programs") };
    return new Promise((done) => {
      execFile(process.execPath, ["--import=tsx", "-e", script], { cwd: checkout, env }, (error, stdout, stderr) => {
        done({ code: Number(error?.code ?? 0), output: stdout + stderr });
      });
    });
  }

  it("skip and count a check whose program is missing and cannot be built", async () => {
    const { code, output } = await test();
    assert.match(output, /^- actionlint is skipped: .*Go \(https:\/\/go\.dev\/doc\/install\)/m);
    assert.match(output, /^6 passed, 0 failed, 1 skipped$/m);
    assert.equal(code, 0, output);
  });

  it("print the time of each test file, longest first", async () => {
    assert.match(
      (await test()).output,
      /^Time of each test file:\n {4}2\.3 s {2}test\/unit\/long\.test\.ts\n {4}0\.1 s {2}test\/unit\/short\.test\.ts\n/m,
    );
  });

  it("name all that failed, with their output, and the stages that were not run", async () => {
    put(join(root, "node_modules/eslint/bin/eslint.js"), "console.log('a.ts: wrong'); process.exitCode = 2");
    fakeMocha({ passing: 1, failing: 1 });
    put(join(root, "test/system/a.test.ts"), "");
    const { code, output } = await test("unit", "system");
    assert.equal(code, 1);
    assert.match(output, /^a\.ts: wrong$/m);
    assert.match(output, /^4 passed, 2 failed, 1 skipped$/m);
    assert.match(
      output,
      /UserError: These failed: (unit tests, eslint|eslint, unit tests)\. Not run: system tests\.\n/,
    );
  });

  it("name no other stages if the last one failed", async () => {
    fakeMocha({ passing: 1, failing: 1 });
    const { output } = await test();
    assert.match(output, /^5 passed, 1 failed, 1 skipped$/m);
    assert.match(output, /UserError: These failed: unit tests\.\n/);
  });

  it("include every shell script of the project", () => {
    const { args = [] } = checks(checkout).find(({ name }) => name === "shellcheck") ?? {};
    for (const file of ["assets/toolkit/lib.sh", "bench/baseline/deploy.sh", ".ci/run"])
      assert.ok(args.includes(file), `shellcheck must read ${file}`);
  });

  it("run the unit tests, then each file of system tests, or only the files given", () => {
    const mochaRuns = (...args: string[]) =>
      planStages(checkout, ["unit", "system"], args).map(({ jobs }) => jobs.map((job) => "mocha" in job && job.mocha));
    const [unit, system = []] = mochaRuns("--grep", "x");
    assert.deepEqual(unit, [["test/unit/**/*.test.ts", "--grep", "x"]]);
    assert.deepEqual(system[0], ["test/system/deployment.test.ts", "--grep", "x"], "the longest comes first");
    assert.deepEqual(mochaRuns("test/unit/a.test.ts", "--bail"), [[["test/unit/a.test.ts", "--bail"]]]);
  });
});
