import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { clearStaleLock, isHeld, lockFolder } from "../../../toolchain/locks.mjs";
import { projectFolder, put, removeProjectFolders } from "./support";

const lock = { username: "u", hostname: hostname(), timestamp: "2026-01-02T03:04:05.678Z" };

describe("locks", () => {
  afterEach(removeProjectFolders);

  function deadPid(): number {
    return spawnSync("true").pid;
  }

  function withLock(content: object) {
    const state = join(projectFolder(), "state");
    put(join(lockFolder(state, "example", "local"), "0.json"), JSON.stringify(content));
    let cancelled = 0;
    const clear = () =>
      clearStaleLock({
        project: "example",
        stack: "local",
        backendUrl: pathToFileURL(state).href,
        cancel: () => {
          cancelled++;
          return Promise.resolve();
        },
      });
    return { clear, cancelled: () => cancelled };
  }

  it("of a process that is gone is cancelled", async () => {
    const { clear, cancelled } = withLock({ ...lock, pid: deadPid() });
    await clear();
    assert.equal(cancelled(), 1);
  });

  it("of a living engine is an error that names it, and stays", async function () {
    if (process.platform !== "linux") this.skip();
    const engine = join(projectFolder(), "pulumi");
    copyFileSync("/bin/sleep", engine);
    const child = spawn(engine, ["30"]);
    await once(child, "spawn");
    try {
      const { clear, cancelled } = withLock({ ...lock, pid: child.pid });
      await assert.rejects(
        clear(),
        new RegExp(`process ${child.pid}, since 2026-01-02 03:04:05\\) is working on stack local`),
      );
      assert.equal(cancelled(), 0);
    } finally {
      child.kill();
    }
  });

  it("whose number has gone to another program is stale", function () {
    if (process.platform !== "linux") this.skip();
    assert.equal(isHeld({ ...lock, pid: process.pid }), false);
  });

  it("of another machine counts as held", async () => {
    const { clear, cancelled } = withLock({ ...lock, hostname: "far-away", pid: deadPid() });
    await assert.rejects(clear(), /process \d+ on far-away/);
    assert.equal(cancelled(), 0);
  });

  it("is not looked for on other backends", async () => {
    await clearStaleLock({ project: "p", stack: "s", backendUrl: "s3://states", cancel: () => assert.fail() });
  });
});
