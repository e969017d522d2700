// lib.sh: what every script of the toolkit uses.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { asset } from "../../rendering/assets";
import { FakeTools } from "../support/fakeTools";

describe("long work on a server", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  it("says now and then that it goes on, because a silent connection may be dropped on its way", () => {
    const { code, stderr } = tools.run([], "pulse_seconds=1; quietly 'Compiling uWSGI' sleep 2.5");
    assert.equal(code, 0);
    assert.deepEqual(stderr.trim().split("\n"), ["… Compiling uWSGI (1 s)", "… Compiling uWSGI (2 s)"]);
  });

  it("is silent if it is short, and leaves no process behind that keeps the connection open", () => {
    const script = `${asset("toolkit/lib.sh")}\nquietly 'Compiling uWSGI' true; quietly 'Compiling uWSGI' false`;
    const { status, stderr } = spawnSync("bash", ["-s"], { input: script, encoding: "utf8", timeout: 10_000 });
    assert.equal(status, 1, "the script should end at once, not with the next line that says how long it takes");
    assert.match(stderr, /^Error: Compiling uWSGI failed\.\n/);
  });

  it("says that it waits for another run, and gives up after a while", () => {
    const lock = `lock hello 2`.replace("hello", "test-of-lib");
    const commands = `pulse_seconds=1; flock() { if [[ $1 == --nonblock ]]; then return 1; fi; command sleep 1.5; return 1; }; ${lock}`;
    const { code, stderr } = tools.run([], commands);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^… waiting for another run that works on test-of-lib \(1 s\)\nError: Another run has been working on test-of-lib for 2 seconds\.\nFix: wait until it ends/,
    );
  });
});

describe("the end of a step on a server", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  const functions = "trap end_script EXIT; sweep() { echo swept; }; undo() { echo undone; }";
  const atEnd = `${functions}; clean_up_with sweep; undo_on_failure undo`;

  it("cleans up, whether the step fails or not", () => {
    const { code, stdout } = tools.run([], atEnd);
    assert.deepEqual([code, stdout], [0, "swept\n"]);
  });

  it("undoes what a step that fails has begun, after the clean-up, and stays a failure", () => {
    for (const failure of ["fail 'It failed.' 'try again.'", "false", "exit 1"]) {
      const { code, stdout } = tools.run([], `${atEnd}; f() { ${failure}; }; f`);
      assert.deepEqual([code, stdout], [1, "swept\nundone\n"], failure);
    }
  });
});
