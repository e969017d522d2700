import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { clearStaleLock, isHeld, lockFolder } from "../../../toolchain/engine/locks";
import { projectFolder, put, removeProjectFolders } from "./support";

const lock = { username: "u", hostname: hostname(), timestamp: "2026-01-02T03:04:05.678Z" };

describe("the lock of a stack", () => {
  afterEach(removeProjectFolders);

  function deadPid(): number {
    return spawnSync("true").pid;
  }

  function withLock(content: object) {
    const state = join(projectFolder(), "state");
    put(join(lockFolder(state, "example", "local"), "0.json"), JSON.stringify(content));
    let cleared = 0;
    const clear = () =>
      clearStaleLock({
        project: "example",
        stack: "local",
        backendUrl: pathToFileURL(state).href,
        clear: () => {
          cleared++;
          return Promise.resolve();
        },
      });
    return { clear, cleared: () => cleared };
  }

  it("removes the lock of a dead process", async () => {
    const { clear, cleared } = withLock({ ...lock, pid: deadPid() });
    await clear();
    assert.equal(cleared(), 1);
  });

  it("keeps the lock of a running engine and names its process", async function () {
    if (process.platform !== "linux") this.skip();
    const engine = join(projectFolder(), "pulumi");
    copyFileSync("/bin/sleep", engine);
    const child = spawn(engine, ["30"]);
    await once(child, "spawn");
    try {
      const { clear, cleared } = withLock({ ...lock, pid: child.pid });
      await assert.rejects(
        clear(),
        new RegExp(
          `process ${child.pid}, since 2026-01-02 03:04:05\\) is working on stack local\\. Nothing was changed`,
        ),
      );
      assert.equal(cleared(), 0);
    } finally {
      child.kill();
    }
  });

  it("treats a lock as stale if another program has its process id", function () {
    if (process.platform !== "linux") this.skip();
    assert.equal(isHeld({ ...lock, pid: process.pid }), false);
  });

  it("keeps the lock of another computer", async () => {
    const { clear, cleared } = withLock({ ...lock, hostname: "far-away", pid: deadPid() });
    await assert.rejects(clear(), /process \d+ on far-away/);
    assert.equal(cleared(), 0);
  });

  it("does not look for locks on other backends", async () => {
    await clearStaleLock({ project: "p", stack: "s", backendUrl: "s3://states", clear: () => assert.fail() });
  });
});
