// What a failed test leaves to look at: a folder with the logs and rendered files of its servers, what the engine printed
// and the stack's files. Mocha loads this by .mocharc.json, so a test need not ask for it.
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

/** What a test has made and what can tell why it failed. */
export interface Source {
  /** Writes down what there is to know, each source in a folder of its own. */
  keep(folder: string): Promise<void>;
}

/** The runner of the tests names a folder for each file. */
const folder = () => process.env.TEST_LOGS ?? resolve(__dirname, "../../.local/test-failures");
/** With whether a test has begun since: if not, then a hook before it has failed. */
const sources = new Map<Source, { hasSeenTest: boolean }>();
/** Not in a benchmark, which has no failed test. */
let isTestRun = false;
let isTestRunning = false;

export function watch(source: Source): void {
  sources.set(source, { hasSeenTest: isTestRunning });
}

/** Before it is removed. */
export async function release(source: Source): Promise<void> {
  const seen = sources.get(source);
  sources.delete(source);
  if (isTestRun && seen?.hasSeenTest === false)
    await keep(`before the first test, ${source.constructor.name}`, [source]);
}

async function keep(title: string, of: readonly Source[]): Promise<void> {
  const own = join(folder(), title.replace(/[^\w.-]+/g, "-").slice(0, 150));
  await rm(own, { recursive: true, force: true });
  for (const [index, source] of of.entries()) {
    const name = join(own, `${index + 1}-${source.constructor.name}`);
    await mkdir(name, { recursive: true });
    // The test's own error matters more than one of these.
    await source.keep(name).catch((error: unknown) => {
      console.log(`      not all of it could be kept: ${String(error)}`);
    });
  }
  console.log(`      logs and files of the failed test: ${own}`);
}

export const mochaHooks = {
  beforeAll(): void {
    isTestRun = true;
  },
  beforeEach(): void {
    isTestRunning = true;
    for (const state of sources.values()) state.hasSeenTest = true;
  },
  async afterEach(this: Mocha.Context): Promise<void> {
    isTestRunning = false;
    const test = this.currentTest;
    if (test?.state !== "failed" || sources.size === 0) return;
    this.timeout(120_000);
    await keep(test.fullTitle(), [...sources.keys()]);
  },
};
