import { spawn } from "node:child_process";
import { accessSync, closeSync, constants as fsConstants, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { errorCode, Interrupted, UserError } from "./errors.mjs";

/** @typedef {Record<string, string | undefined>} Env */
/** @typedef {{ code: number, stdout: string, stderr: string }} Result */

const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);

/**
 * Runs a child to its end. `output` says where its output goes:
 * - "show": to the user as it is; what it writes on stderr is returned as well, for errors to be recognised;
 * - "tee": to the user, and returned;
 * - "take": returned only;
 * - `{ log }`: to a file.
 *
 * Ctrl-C on a terminal reaches the child by itself: this process only waits for it to end in its own time. Without a
 * terminal the signal is passed on.
 *
 * What writes to a log makes something that counts only when whole, so it is killed soon after (npm would go on for half a
 * minute); not if it is `patient`: a package manager leaves what it was about in order, or at least knows what was not.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Env, output?: "show" | "tee" | "take" | { log: string }, timeoutSeconds?: number, patient?: boolean }} [options]
 * @returns {Promise<Result>}
 */
export async function run(command, args, { cwd, env, output = "show", timeoutSeconds, patient = false } = {}) {
  const log = typeof output === "object" ? openLog(output.log) : undefined;
  const stdout = log ?? (output === "show" ? "inherit" : "pipe");
  const stdin = output === "show" || output === "tee" ? "inherit" : "ignore";
  const child = spawn(command, args, {
    cwd,
    env: /** @type {NodeJS.ProcessEnv} */ (env),
    stdio: [stdin, stdout, log ?? "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (/** @type {Buffer} */ data) => {
    if (output === "tee") process.stdout.write(data);
    text.stdout += data;
  });
  child.stderr?.on("data", (/** @type {Buffer} */ data) => {
    if (output !== "take") process.stderr.write(data);
    text.stderr += data;
  });

  let interrupted = false;
  const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
    interrupted = true;
    // SIGINT is the one signal that apt-get puts off until its packages are in order.
    if (signal !== "SIGINT" || !onTerminal) child.kill(patient ? "SIGINT" : signal);
    if (log !== undefined && !patient) setTimeout(() => child.kill("SIGKILL"), 2000).unref();
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, onSignal);
  const timer = timeoutSeconds && setTimeout(() => child.kill("SIGTERM"), timeoutSeconds * 1000);
  try {
    const code = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal ?? "SIGKILL"]));
    });
    if (interrupted) throw new Interrupted();
    return { code, ...text };
  } finally {
    if (timer) clearTimeout(timer);
    if (log !== undefined) closeSync(log);
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/**
 * Runs a child whose output matters only if it fails: then the end of it is part of the error.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Env, log: string, timeoutSeconds?: number, patient?: boolean, whatToDo?: string }} options
 */
export async function runLogged(command, args, { log, whatToDo, ...options }) {
  const { code } = await run(command, args, { ...options, output: { log } });
  if (code === 0) return;
  const end = readFileSync(log, "utf8").trimEnd().split("\n").slice(-15).join("\n    ");
  throw new UserError(
    `'${command} ${args.join(" ")}' failed (exit code ${code}):\n    ${end}`,
    whatToDo ?? `All of its output: ${log}`,
  );
}

/** @param {string} file */
function openLog(file) {
  mkdirSync(dirname(file), { recursive: true });
  return openSync(file, "w");
}

/**
 * The first program of this name on a PATH.
 * @param {string} name
 * @param {string | undefined} path
 * @param {string[]} [without] folders to pass over
 */
export function which(name, path, without = []) {
  for (const folder of (path ?? "").split(delimiter)) {
    if (folder && !without.includes(folder) && isProgram(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

/** @param {string} file */
export function isProgram(file) {
  try {
    accessSync(file, fsConstants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether a process lives; one of another user's counts.
 * @param {number} pid
 */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
