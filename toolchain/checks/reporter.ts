import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import Mocha from "mocha";
import { type MochaResult, resultVariable } from "./mochaRun";

/** Mocha's "spec" report on the terminal; the counts and the time of each file for runTests.ts. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const times: Record<string, number> = {};
    const starts = new Map<Mocha.Suite, number>();
    runner.on("suite", (suite) => starts.set(suite, performance.now()));
    runner.on("suite end", (suite) => {
      if (!suite.parent?.root || suite.file === undefined) return;
      const file = relative(process.cwd(), suite.file);
      times[file] = (times[file] ?? 0) + performance.now() - (starts.get(suite) ?? 0);
    });
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const result: MochaResult = { passing: passes, failing: failures, pending, times };
      const file = process.env[resultVariable];
      if (file !== undefined) writeFileSync(file, JSON.stringify(result));
    });
  }
}
