// Runs one command on this machine, as command:local:Command does for its create, update and delete.
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createCapture, previousOutput } from "./commandOutput.mjs";
import { quote, systemReason } from "./goText.mjs";

/**
 * @typedef {object} LocalCommand
 * @property {string[]} [interpreter]
 * @property {string} [dir]
 * @property {string} [stdin]
 * @property {string} [logging]
 * @property {Record<string, string>} [environment]
 * @property {boolean} [addPreviousOutputInEnv]
 * @property {string} [stdout] of the previous run
 * @property {string} [stderr]
 */

const shell = process.platform === "win32" ? ["cmd", "/C"] : ["/bin/sh", "-c"];

/** Commands under way, which must not outlive this plugin. @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

export function killLocalCommands() {
  for (const child of running) child.kill("SIGKILL");
}

/**
 * @param {import("./providerServer.mjs").Operation} operation
 * @param {string} command
 * @param {LocalCommand} settings
 */
export async function runLocal({ log, signal }, command, settings) {
  const { interpreter = [], dir, stdin = "", environment = {}, addPreviousOutputInEnv = true } = settings;
  const [program = "", ...options] = interpreter.length > 0 ? interpreter : shell;
  const capture = createCapture(log, settings.logging);
  const previous = addPreviousOutputInEnv ? previousOutput(settings) : {};
  const env = { ...process.env, ...environment, ...previous };

  const failure = await new Promise((/** @type {(failure?: string) => void} */ resolve) => {
    if (signal.aborted) return resolve(String(signal.reason?.message));
    const impossible = reasonNotToStart(program, dir);
    if (impossible) return resolve(impossible);
    const child = spawn(program, [...options, command], { cwd: dir, env });
    running.add(child);
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    child.stdout.on("data", (/** @type {Buffer} */ chunk) => capture.add("stdout", chunk));
    child.stderr.on("data", (/** @type {Buffer} */ chunk) => capture.add("stderr", chunk));
    // A command need not read what it is given.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    child.on("error", (error) => resolve(`fork/exec ${program}: ${systemReason(error)}`));
    child.on("close", (code, killedBy) => {
      running.delete(child);
      signal.removeEventListener("abort", kill);
      if (code === 0) resolve();
      else resolve(killedBy ? `signal: ${signalNames[killedBy] ?? killedBy}` : `exit status ${code}`);
    });
  });
  capture.end();
  if (failure) throw new Error(`${failure}: running ${quote(command)}:\n${capture.transcript()}`);
  return capture.outputs();
}

/** Go's names. @type {Partial<Record<NodeJS.Signals, string>>} */
const signalNames = {
  SIGABRT: "aborted",
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

/** Node blames the program for a missing directory, so both are looked at first. @param {string} program @param {string} [dir] */
function reasonNotToStart(program, dir) {
  const found = /[\\/]/.test(program)
    ? program
    : (process.env.PATH ?? "").split(delimiter).find((folder) => isExecutable(join(folder, program)));
  if (found === undefined) return `exec: ${quote(program)}: executable file not found in $PATH`;
  if (dir === undefined) return undefined;
  try {
    return statSync(dir).isDirectory() ? undefined : `chdir ${dir}: not a directory`;
  } catch (error) {
    return `chdir ${dir}: ${systemReason(error)}`;
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return process.platform === "win32";
  }
}
