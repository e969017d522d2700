// What this project relies on in the engine's language host for Node; it holds for the genuine one and for its stand-in.
import assert from "node:assert/strict";
import { Workspace } from "../../support/engine";
import { waitFor } from "../../support/waitFor";

describe("the language host", function () {
  this.timeout("60s");
  this.slow("10s");

  let workspace: Workspace;
  afterEach(() => Workspace.removeAll());

  it("runs a TypeScript program with its configuration, and shows what it prints", async () => {
    workspace = await Workspace.temporary({
      program: `
        import * as pulumi from "@pulumi/pulumi";
        const config = new pulumi.Config();
        console.log("printed by the program");
        console.error("complained by the program");
        export const plain: string = config.require("plain");
        export const hidden: pulumi.Output<string> = config.requireSecret("hidden");
        export const where = [pulumi.getProject(), pulumi.getStack()];
      `,
    });
    await workspace.setConfig("plain", "in sight");
    await workspace.setConfig("hidden", "out-of-sight", { secret: true });
    const { output } = await workspace.up();

    assert.match(output, /printed by the program/);
    assert.match(output, /complained by the program/);
    assert.ok(!output.includes("out-of-sight"), output);
    assert.deepEqual(await workspace.outputs(), { plain: "in sight", hidden: "out-of-sight", where: ["test", "dev"] });
  });

  it("shows an error of the program once, with its place, and makes nothing", async () => {
    workspace = await Workspace.temporary({ program: `throw new Error("no such setting");` });
    const { output } = await workspace.failUp();

    assert.match(output, /Error: no such setting/);
    assert.match(output, /index\.ts:1/);
    assert.doesNotMatch(output, /non-zero exit code/);
  });

  it("says with which code a program ended that gave no reason", async () => {
    workspace = await Workspace.temporary({ program: `process.exit(3);` });
    const { output } = await workspace.failUp();

    assert.match(output, /program exited with non-zero exit code: 3/i);
  });

  it("gives Node the arguments of Pulumi.yaml", async () => {
    workspace = await Workspace.temporary({
      program: `export const args = process.execArgv;`,
      runtimeOptions: { nodeargs: "--stack-trace-limit=7 --title='two words'" },
    });
    await workspace.up();

    const { args } = await workspace.outputs();
    assert.ok(Array.isArray(args) && args.includes("--stack-trace-limit=7"), String(args));
  });

  it("leaves no program behind when the engine is killed", async () => {
    workspace = await Workspace.temporary({
      program: `
        import * as fs from "fs";
        fs.writeFileSync("program.pid", String(process.pid));
        setInterval(() => undefined, 1000);
        export = new Promise(() => undefined);
      `,
    });
    const { child } = workspace.start("preview", "--stack", workspace.stack);
    const pid = Number(await waitFor("the program", () => workspace.readFile("program.pid")));
    child.kill("SIGKILL");

    await waitFor("the program's end", () => !isRunning(pid), 15);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
