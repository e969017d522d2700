import assert from "node:assert/strict";
import { parseArguments } from "../../../toolchain/arguments.mjs";
import { mochaCounts, mochaStages } from "../../../toolchain/checks.mjs";
import { root } from "../../support/engine";

describe("arguments", () => {
  it("name the stack first, 'local' if none, and pass the rest on", () => {
    assert.deepEqual(parseArguments(["up"]), { command: "up", stack: "local", args: [] });
    assert.deepEqual(parseArguments(["up", "--yes"]), { command: "up", stack: "local", args: ["--yes"] });
    assert.deepEqual(parseArguments(["preview", "centos7", "--show-sames", "-j"]), {
      command: "preview",
      stack: "centos7",
      args: ["--show-sames", "-j"],
    });
    assert.deepEqual(parseArguments(["env", "dev"]), { command: "env", stack: "dev", args: [] });
    assert.equal(parseArguments(["destroy", "acme/site/prod"]).stack, "acme/site/prod");
  });

  it("of test all go to mocha", () => {
    assert.deepEqual(parseArguments(["test", "--grep", "x"]).args, ["--grep", "x"]);
  });

  it("ask for help", () => {
    assert.equal(parseArguments(["--help"]).command, "help");
    assert.equal(parseArguments(["up", "--help"]).command, "help");
  });

  const mistakes: [string[], RegExp][] = [
    [[], /No command/],
    [["fly"], /Unknown command 'fly'/],
    [["up", "../x"], /'\.\.\/x' cannot be a stack's name/],
    [["up", ".."], /cannot be/],
    [["up", ""], /cannot be/],
    [["up", "a b"], /cannot be/],
    [["up", "local", "--stack", "other"], /named without --stack/],
    [["up", "--stack=other"], /named without --stack=other/],
    [["up", "local", "--gone"], /--gone is a flag of 'destroy' only/],
    [["start", "local", "--yes"], /'start' takes no flags, but got '--yes'/],
    [["clean", "local"], /'clean' takes no arguments/],
    [["env", "--json"], /'env' takes no flags, but got '--json'/],
  ];
  for (const [argv, message] of mistakes) {
    it(`are refused with exit code 2: ${JSON.stringify(argv)}`, () => {
      assert.throws(() => parseArguments(argv), { name: "UserError", exitCode: 2, message });
    });
  }
});

describe("test command", () => {
  it("runs unit tests, then each file of system tests; flags go to all, files instead of all", () => {
    const [unit, system] = mochaStages(root, ["unit", "system"], ["--grep", "x"]);
    assert.deepEqual(unit, { name: "unit tests", runs: [["test/unit/**/*.test.ts", "--grep", "x"]] });
    assert.deepEqual(system?.runs[0], ["test/system/deployment.test.ts", "--grep", "x"], "one of the longest");
    assert.deepEqual(mochaStages(root, ["unit", "system"], ["test/unit/a.test.ts", "--bail"]), [
      { name: "tests", runs: [["test/unit/a.test.ts", "--bail"]] },
    ]);
  });

  it("reads mocha's counts, in colour or not, and nothing else", () => {
    const report =
      "    ✔ has 3 passing cars\n\n\x1b[92m \x1b[0m\x1b[32m 12 passing\x1b[0m (3s)\n  1 pending\n  2 failing\n\n  1) x\n";
    assert.deepEqual(mochaCounts(report), [
      ["passing", 12],
      ["pending", 1],
      ["failing", 2],
    ]);
  });
});
