// What a failed system test leaves to look at.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mochaHooks, release, watch } from "../support/failures";

describe("the logs of a failed test", () => {
  const before = process.env.TEST_LOGS;
  let folder: string;
  const source = {
    keep(own: string): Promise<void> {
      writeFileSync(join(own, "journal.log"), "uwsgi: no app\n");
      return Promise.resolve();
    },
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "failures-"));
    process.env.TEST_LOGS = folder;
    watch(source);
  });
  afterEach(async () => {
    await release(source);
    if (before === undefined) delete process.env.TEST_LOGS;
    else process.env.TEST_LOGS = before;
    rmSync(folder, { recursive: true });
  });

  const afterTest = (state: "failed" | "passed") =>
    mochaHooks.afterEach.call({
      currentTest: { state, fullTitle: () => "a stack serves the page" },
      timeout: () => undefined,
    } as unknown as Mocha.Context);

  it("are kept in a folder with its title", async () => {
    await afterTest("failed");
    const log = join(folder, "a-stack-serves-the-page/1-Object/journal.log");
    assert.equal(readFileSync(log, "utf8"), "uwsgi: no app\n");
  });

  it("are not kept of a test that passes", async () => {
    await afterTest("passed");
    assert.ok(!existsSync(join(folder, "a-stack-serves-the-page")), "a test that passes should leave nothing");
  });
});
