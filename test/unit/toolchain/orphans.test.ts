import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "../../../toolchain/common/run";
import { endOrphans } from "../../../toolchain/engine/orphans";
import { waitFor } from "../../support/waitFor";
import { projectFolder, put, removeProjectFolders } from "./support";

// The processes are real ones: copies of `sh` and `sleep` under the names that Pulumi's have.
describe("what a killed engine has left running", function () {
  const children: ChildProcess[] = [];
  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    removeProjectFolders();
  });

  const name = "pulumi-language-nodejs";

  /** A language host that stays alive, as the genuine one does, and the program that it has started. */
  async function startHost(checkout: string, { engine = false } = {}) {
    const folder = projectFolder();
    const [pulumi, host] = [join(folder, "pulumi"), join(folder, name)];
    copyFileSync("/bin/sh", pulumi);
    copyFileSync("/bin/sh", host);
    const run = put(join(folder, "node_modules/@pulumi/pulumi/cmd/run"), "sleep 60");
    const pids = join(folder, "pids");
    const script = put(
      join(folder, "host.sh"),
      `sh '${run}' & echo $$ $! > '${pids}.new'; mv '${pids}.new' '${pids}'; wait`,
    );
    const env = { ...process.env, UWSGI_NGINX_CHECKOUT: checkout };
    // An engine waits for its host. Without one, the test process is the parent, which is not an engine.
    const child = engine
      ? spawn(pulumi, ["-c", `'${host}' '${script}'; true`], { env, stdio: "ignore" })
      : spawn(host, [script], { env, stdio: "ignore" });
    children.push(child);
    await once(child, "spawn");

    let found: number[] = [];
    await waitFor("the language host to start", () => {
      try {
        found = readFileSync(pids, "utf8").trim().split(" ").map(Number);
      } catch {
        return false;
      }
      return found.length === 2;
    });
    const [hostPid = 0, programPid = 0] = found;
    return { hostPid, programPid };
  }

  it("is ended: the language host and its program", async () => {
    const checkout = projectFolder();
    const { hostPid, programPid } = await startHost(checkout);
    assert.deepEqual(endOrphans(checkout).sort(), [hostPid, programPid].sort());
    await waitFor("both to end", () => [hostPid, programPid].every((pid) => !isAlive(pid)));
    assert.deepEqual(endOrphans(checkout), []);
  });

  it("is kept if it belongs to another checkout", async () => {
    const { hostPid, programPid } = await startHost(projectFolder());
    assert.deepEqual(endOrphans(projectFolder()), []);
    for (const pid of [hostPid, programPid]) assert.ok(isAlive(pid), `process ${pid} must still be running`);
  });

  it("is kept if its engine is running", async () => {
    const checkout = projectFolder();
    const { hostPid, programPid } = await startHost(checkout, { engine: true });
    assert.deepEqual(endOrphans(checkout), []);
    for (const pid of [hostPid, programPid]) {
      assert.ok(isAlive(pid), `process ${pid} must still be running`);
      process.kill(pid);
    }
  });
});
