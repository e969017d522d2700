import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { UserError } from "../common/errors";
import { paths } from "../common/paths";
import { run, runLogged, which } from "../common/run";
import { say, step } from "../common/steps";
import { environment } from "../engine/environment";
import { type Check, checks, filesBelow } from "./checks";
import { type MochaResult, resultVariable } from "./mochaResult";

const systemTests = "system tests";

/** Folders of tests below `test`. */
type Kind = "unit" | "system";

interface Stage {
  readonly name: string;
  /** Mocha's arguments, run by run. */
  readonly runs: readonly (readonly string[])[];
}

/** Counts of everything that was run, and the time of each test file. */
class Totals {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly times = new Map<string, number>();

  add({ passing, failing, pending, times }: MochaResult): void {
    this.passed += passing;
    this.failed += failing;
    this.skipped += pending;
    for (const [file, time] of Object.entries(times)) this.times.set(file, (this.times.get(file) ?? 0) + time);
  }

  /** The test files with their seconds, longest first. */
  report(): string {
    const sorted = [...this.times].sort(([, a], [, b]) => b - a);
    return sorted.map(([file, time]) => `${(time / 1000).toFixed(1).padStart(7)} s  ${file}\n`).join("");
  }

  counts(): string {
    return `${this.passed} passed, ${this.failed} failed${this.skipped > 0 ? `, ${this.skipped} skipped` : ""}`;
  }
}

/**
 * Runs checks and tests, stops after the first stage that fails, and ends with the counts. `args` are mocha's flags or
 * test files; with any, only mocha runs.
 */
export async function runTests(root: string, kinds: readonly Kind[], args: readonly string[]): Promise<void> {
  const start = performance.now();
  const totals = new Totals();
  const mocha = mochaStages(root, kinds, args);
  // In the background, because the checks and the unit tests keep only one core busy.
  const abort = new AbortController();
  const images = mocha.some(({ name }) => name === systemTests) ? prepareImages(root, abort.signal) : undefined;
  const stages = [
    ...(args.length === 0 ? checks(root) : []).map((check) => ({
      name: check.name,
      run: () => runCheck(root, check, totals),
    })),
    ...mocha.map((stage) => ({
      name: stage.name,
      run: () => runStage(root, stage, totals, images),
    })),
  ];
  let failed: number | undefined;
  for (const [index, stage] of stages.entries()) {
    if (await stage.run()) continue;
    failed = index;
    abort.abort();
    break;
  }
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  process.stdout.write(
    `\nTime of each test file:\n${totals.report()}\nTotal: ${minutes} minutes\n${totals.counts()}\n`,
  );
  if (failed !== undefined) {
    const notRun = stages.slice(failed + 1).map(({ name }) => name);
    const rest = notRun.length > 0 ? ` Not run: ${notRun.join(", ")}.` : "";
    throw new UserError(`The stage '${stages[failed]?.name}' failed.${rest}`, "correct the cause shown above.");
  }
  if (totals.passed === 0) throw new UserError("No test matches.", "check the name after --grep.");
}

async function runCheck(root: string, check: Check, totals: Totals): Promise<boolean> {
  const env = environment(root);
  const program = check.command === process.execPath ? check.command : which(check.command, env.PATH);
  if (!program && check.optional) {
    say(`- ${check.name} is skipped: ${check.optional}`);
    totals.skipped++;
    return true;
  }
  const { code } = await step(check.name, () =>
    run(program ?? check.command, check.args, { cwd: root, env, output: "tee" }),
  );
  if (code === 0) totals.passed++;
  else totals.failed++;
  return code === 0;
}

/**
 * Each file of system tests is a run of its own: mocha skips a suite that stops at its first failure if another has
 * failed before it.
 */
export function mochaStages(root: string, kinds: readonly Kind[], args: readonly string[]): Stage[] {
  if (args.some((arg) => /\.test\.[cm]?ts$/.test(arg))) return [{ name: "tests", runs: [args] }];
  return kinds.map((kind) => {
    const folder = join(root, "test", kind);
    const files = kind === "system" ? longestFirst(filesBelow(folder, ".test.ts")) : [join(folder, "**/*.test.ts")];
    return {
      name: kind === "system" ? systemTests : `${kind} tests`,
      runs: files.map((file) => [relative(root, file), ...args]),
    };
  });
}

/** Files of system tests that take minutes, the longest first, so that none of them runs alone at the end. */
const longest = ["deployment", "existingServer", "aws", "cli", "interrupted", "commandProvider", "awsRefusals"];

function longestFirst(files: readonly string[]): string[] {
  const first = longest.flatMap((name) => files.find((file) => file.endsWith(`/${name}.test.ts`)) ?? []);
  return [...first, ...files.filter((file) => !first.includes(file))];
}

/** Runs two files at once: they wait for servers half of the time. */
async function runStage(
  root: string,
  { name, runs }: Stage,
  totals: Totals,
  images: Promise<void> | undefined,
): Promise<boolean> {
  say(`\n${name}`);
  if (name === systemTests) await step("images for the tests", () => images);
  const waiting = [...runs];
  let succeeded = true;
  const work = async () => {
    for (let args = waiting.shift(); args; args = waiting.shift()) {
      if (!(await runMocha(root, args, runs.length > 1, totals))) succeeded = false;
    }
  };
  await Promise.all([work(), work()]);
  return succeeded;
}

let runNumber = 0;

/** `isBuffered`: the output is shown when the run has ended, so that two runs do not mix theirs. */
async function runMocha(root: string, args: readonly string[], isBuffered: boolean, totals: Totals): Promise<boolean> {
  const file = join(paths(root).logs, `mocha-${process.pid}-${++runNumber}.json`);
  mkdirSync(paths(root).logs, { recursive: true });
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const colour = process.stdout.isTTY && !process.env.NO_COLOR ? ["--color"] : [];
  const reporter = ["--reporter", join(root, "toolchain", "checks", "reporter.ts")];
  const result = await run(process.execPath, [mocha, ...colour, ...reporter, ...args], {
    cwd: root,
    env: { ...environment(root), [resultVariable]: file },
    output: isBuffered ? "take" : "tee",
  });
  if (isBuffered) {
    process.stdout.write(result.stdout);
    process.stderr.write(result.stderr);
  }
  if (existsSync(file)) totals.add(JSON.parse(readFileSync(file, "utf8")) as MochaResult);
  else totals.failed++; // mocha itself failed
  rmSync(file, { force: true });
  return result.code === 0;
}

/** Builds what several files of system tests share. */
function prepareImages(root: string, abort: AbortSignal): Promise<void> {
  const script = join(root, "test", "support", "images.ts");
  const log = join(paths(root).logs, "test-images.log");
  const images = runLogged(process.execPath, ["--import=tsx", script], {
    ...{ cwd: root, env: environment(root), log, abort },
  });
  // A failure is reported where the images are needed.
  images.catch(() => undefined);
  return images;
}
