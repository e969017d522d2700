import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { platformNames } from "../../platforms";
import { UserError } from "../common/errors";
import { paths } from "../common/paths";
import { run, runLogged, which } from "../common/run";
import { say, step } from "../common/steps";
import { environment } from "../engine/environment";
import { type Check, checks, filesBelow } from "./checks";
import { type MochaResult, platformVariable, resultVariable } from "./mochaRun";

/** Folders of tests below `test`. */
type Kind = "unit" | "system";

/** A run of a check or of mocha. */
type Job = Check | MochaJob;

interface MochaJob {
  readonly name: string;
  readonly mocha: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it waits for the images that several files share. */
  readonly needsImages?: boolean;
}

/** Jobs that run side by side. */
interface Stage {
  readonly name: string;
  readonly jobs: readonly Job[];
  readonly workers: number;
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
  const stages = planStages(root, kinds, args);
  const abort = new AbortController();
  const needImages = stages.some(({ jobs }) => jobs.some(needsImages));
  const images = needImages ? new Images(root, abort.signal) : undefined;
  let failed: readonly string[] = [];
  let notRun: readonly Stage[] = [];
  for (const [index, stage] of stages.entries()) {
    failed = await runStage(root, stage, totals, images);
    if (failed.length === 0) continue;
    notRun = stages.slice(index + 1);
    abort.abort();
    break;
  }
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  process.stdout.write(
    `\nTime of each test file:\n${totals.report()}\nTotal: ${minutes} minutes\n${totals.counts()}\n`,
  );
  if (failed.length > 0) {
    const rest = notRun.length > 0 ? ` Not run: ${notRun.map(({ name }) => name).join(", ")}.` : "";
    throw new UserError(`These failed: ${failed.join(", ")}.${rest}`, "correct the causes shown above.");
  }
  if (totals.passed === 0) throw new UserError("No test matches.", "check the name after --grep.");
}

/** What `runTests` runs, in this order. */
export function planStages(root: string, kinds: readonly Kind[], args: readonly string[]): Stage[] {
  if (args.some((arg) => /\.test\.[cm]?ts$/.test(arg))) {
    return [{ name: "tests", workers: 1, jobs: [{ name: "tests", mocha: args }] }];
  }
  const processors = availableParallelism();
  const unitTests = { name: "unit tests", mocha: ["test/unit/**/*.test.ts", ...args] };
  const stages: Stage[] = [
    {
      name: args.length === 0 ? "checks and unit tests" : "unit tests",
      workers: processors,
      jobs: [unitTests, ...(args.length === 0 ? checks(root) : [])],
    },
  ];
  if (!kinds.includes("system")) return stages;
  const files = longestFirst(filesBelow(join(root, "test", "system"), ".test.ts"));
  const jobs = files.flatMap((file) => systemTests(root, file, args));
  // One more than there are processors, because the tests often wait for servers.
  return [...stages, { name: "system tests", workers: processors + 1, jobs }];
}

/** The runs of a file: one for each platform, where its tests run on each, and they go on side by side. */
function systemTests(root: string, file: string, args: readonly string[]): MochaJob[] {
  const name = relative(root, file);
  const job = { name, mocha: [name, ...args], needsImages: !name.includes("/offline/") };
  if (!readFileSync(file, "utf8").includes("onEachPlatform(")) return [job];
  return platformNames.map((platform) => ({
    ...{ ...job, name: `${name} (${platform})`, env: { [platformVariable]: platform } },
  }));
}

/** Files of system tests that take minutes, the longest first, so that none of them runs alone at the end. */
const longest = [
  "deployment",
  "existingServer",
  "cli",
  "interrupted",
  "packages",
  "aws",
  "toolkit",
  "uwsgiFrom",
  "workflows",
  "commandProvider",
  "awsRefusals",
  "sshLimit",
  "secrets",
];

function longestFirst(files: readonly string[]): string[] {
  const first = longest.flatMap((name) => files.find((file) => file.endsWith(`/${name}.test.ts`)) ?? []);
  return [...first, ...files.filter((file) => !first.includes(file))];
}

/** Returns the names of the jobs that failed. */
async function runStage(
  root: string,
  { name, jobs, workers }: Stage,
  totals: Totals,
  images: Images | undefined,
): Promise<string[]> {
  say(`\n${name}`);
  const waiting = [...jobs];
  const failed: string[] = [];
  const imagesStep = jobs.some(needsImages) ? step("images for the tests", () => images?.made) : undefined;
  imagesStep?.catch(() => undefined); // whoever waits for it reports it
  const work = async () => {
    while (waiting.length > 0) {
      // What needs no images does not wait for them.
      const others = images?.areThere !== false ? -1 : waiting.findIndex((job) => !needsImages(job));
      if (others < 0) await imagesStep;
      const [job] = waiting.splice(Math.max(others, 0), 1);
      if (job && !(await runJob(root, job, jobs.length > 1, totals))) failed.push(job.name);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return failed;
}

function needsImages(job: Job): boolean {
  return "needsImages" in job && job.needsImages === true;
}

/** `isBuffered`: the output is shown when the job has ended, so that several do not mix theirs. */
function runJob(root: string, job: Job, isBuffered: boolean, totals: Totals): Promise<boolean> {
  return "mocha" in job ? runMocha(root, job, isBuffered, totals) : runCheck(root, job, totals);
}

async function runCheck(root: string, check: Check, totals: Totals): Promise<boolean> {
  const env = environment(root);
  const program = check.command === process.execPath ? check.command : which(check.command, env.PATH);
  if (!program && check.optional) {
    say(`- ${check.name} is skipped: ${check.optional}`);
    totals.skipped++;
    return true;
  }
  const { code, stdout, stderr } = await step(check.name, () =>
    run(program ?? check.command, check.args, { cwd: root, env }),
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (code === 0) totals.passed++;
  else totals.failed++;
  return code === 0;
}

let runNumber = 0;

async function runMocha(root: string, job: MochaJob, isBuffered: boolean, totals: Totals): Promise<boolean> {
  const file = join(paths(root).logs, `mocha-${process.pid}-${++runNumber}.json`);
  mkdirSync(paths(root).logs, { recursive: true });
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const colour = process.stdout.isTTY && !process.env.NO_COLOR ? ["--color"] : [];
  const reporter = ["--reporter", join(root, "toolchain", "checks", "reporter.ts")];
  const result = await run(process.execPath, [mocha, ...colour, ...reporter, ...job.mocha], {
    cwd: root,
    env: { ...environment(root), ...job.env, [resultVariable]: file },
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

/** Builds what several files of system tests share, from the start, for checks and unit tests leave a processor free. */
class Images {
  areThere = false;
  readonly made: Promise<void>;

  constructor(root: string, abort: AbortSignal) {
    const script = join(root, "test", "support", "images.ts");
    const log = join(paths(root).logs, "test-images.log");
    const build = runLogged(process.execPath, ["--import=tsx", script], {
      cwd: root,
      env: environment(root),
      log,
      abort,
    });
    this.made = build.then(() => {
      this.areThere = true;
    });
    // A failure is reported where the images are needed.
    this.made.catch(() => undefined);
  }
}
