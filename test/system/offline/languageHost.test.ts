// What this project relies on in the engine's language host for Node, with the genuine one and with the offline one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Workspace } from "../../support/engine";
import { waitFor } from "../../support/waitFor";

describe("the language host", function () {
  this.timeout("60s");
  this.slow("10s");

  let workspace: Workspace;
  afterEach(() => Workspace.removeAll());

  it("runs a TypeScript program with its configuration and shows what the program prints", async () => {
    workspace = await Workspace.temporary({
      fromSource: true,
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
    assert.ok(!output.includes("out-of-sight"), `the secret should not be in the engine's output:\n${output}`);
    assert.deepEqual(await workspace.outputs(), { plain: "in sight", hidden: "out-of-sight", where: ["test", "dev"] });
  });

  it("shows an error of the program with its line, and without a second message about the exit code", async () => {
    workspace = await Workspace.temporary({ fromSource: true, program: `throw new Error("no such setting");` });
    const { output } = await workspace.failUp();

    assert.match(output, /Error: no such setting/);
    assert.match(output, /index\.ts:1/);
    assert.doesNotMatch(output, /non-zero exit code/);
  });

  it("shows the exit code of a program that ends without an error message", async () => {
    workspace = await Workspace.temporary({ fromSource: true, program: `process.exit(3);` });
    const { output } = await workspace.failUp();

    assert.match(output, /program exited with non-zero exit code: 3/i);
  });

  it("starts Node with the arguments from Pulumi.yaml", async () => {
    workspace = await Workspace.temporary({
      fromSource: true,
      program: `export const args = process.execArgv;`,
      runtimeOptions: { nodeargs: "--stack-trace-limit=7 --title='two words'" },
    });
    await workspace.up();

    const { args } = await workspace.outputs();
    const given = Array.isArray(args) ? args.filter((arg) => /^--(stack-trace-limit|title)=/.test(String(arg))) : args;
    assert.deepEqual(given, ["--stack-trace-limit=7", "--title=two words"]);
  });

  // The genuine language host notices the engine's death after minutes.
  it("ends the program within seconds of the engine's death, if it is the offline language host", async function () {
    workspace = await Workspace.temporary({
      fromSource: true,
      program: `
        import * as fs from "fs";
        fs.writeFileSync("program.pid", String(process.pid));
        setInterval(() => undefined, 1000);
        export = new Promise(() => undefined);
      `,
    });
    const { child } = workspace.start("preview", "--stack", workspace.stack);
    const pid = Number(await waitFor("the program", () => workspace.readFile("program.pid")));
    if (!(await isOffline(pid))) this.skip();
    child.kill("SIGKILL");

    await waitFor("the program's end", () => !isRunning(pid), 15);
  });
});

/** Whether the parent of the program, its language host, is the offline plugin. */
async function isOffline(program: number): Promise<boolean> {
  const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${program}/status`, "utf8"))?.[1] ?? "";
  return (await readFile(`/proc/${parent}/cmdline`, "utf8")).includes("toolchain/offline/start.mjs");
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
