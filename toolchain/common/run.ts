import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import execa from "execa";
import { errorCode, indented, Interrupted, UserError } from "./errors";
import type { Env } from "./paths";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly cwd?: string;
  /** The whole environment. Default: that of this process. */
  readonly env?: Env;
  readonly timeoutSeconds?: number;
  /** Ends the program. */
  readonly abort?: AbortSignal;
  /**
   * On Ctrl-C, wait until the program has ended by itself: a package manager interrupted half-way leaves a mess. Programs
   * with a log are otherwise killed after 2 s, because their result counts only when it is complete.
   */
  readonly patient?: boolean;
  /**
   * - "show": on the terminal; stderr is also returned.
   * - "tee": on the terminal, and returned.
   * - "take" (the default): returned only.
   * - `{ log }`: to a file.
   */
  readonly output?: "show" | "tee" | "take" | { readonly log: string };
}

const hasTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs a program to its end. A program that does not exist is an error with the code ENOENT. */
export async function run(command: string, args: readonly string[], options: Options = {}): Promise<Result> {
  const { cwd, env = process.env, output = "take", timeoutSeconds = 0, patient = false, abort } = options;
  const log = typeof output === "object" ? openLog(output.log) : undefined;
  const isShown = output === "show" || output === "tee";
  const child = execa(command, args, {
    ...{ cwd, env, extendEnv: false, reject: false, stripFinalNewline: false },
    ...{ timeout: timeoutSeconds * 1000, maxBuffer: 1e9 },
    stdio: [isShown ? "inherit" : "ignore", log ?? (output === "show" ? "inherit" : "pipe"), log ?? "pipe"],
  });
  if (isShown) {
    child.stdout?.on("data", (data: Buffer) => process.stdout.write(data));
    child.stderr?.on("data", (data: Buffer) => process.stderr.write(data));
  }
  const interrupted = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    interrupted.abort();
    // A terminal sends SIGINT to the child too. It is the one signal at which apt-get first finishes its packages.
    if (signal !== "SIGINT" || !hasTerminal) child.kill(patient ? "SIGINT" : signal, { forceKillAfterTimeout: false });
    if (log !== undefined && !patient) setTimeout(() => child.kill("SIGKILL"), 2000).unref();
  };
  for (const signal of signals) process.on(signal, onSignal);
  abort?.addEventListener("abort", () => child.kill());
  try {
    const result: Partial<execa.ExecaReturnValue> = await child;
    // With `reject: false` execa returns its error.
    if (result instanceof Error && errorCode(result)) throw result;
    if (interrupted.signal.aborted) throw new Interrupted();
    const { exitCode, signal = "SIGKILL", stdout = "", stderr = "" } = result;
    return { code: exitCode ?? 128 + osConstants.signals[signal as NodeJS.Signals], stdout, stderr };
  } finally {
    if (log !== undefined) closeSync(log);
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** Runs a program whose output matters only if it fails: the end of it is then part of the error. */
export async function runLogged(
  command: string,
  args: readonly string[],
  { log, fix, ...options }: Omit<Options, "output"> & { readonly log: string; readonly fix?: string },
): Promise<void> {
  const { code } = await run(command, args, { ...options, output: { log } });
  if (code === 0) return;
  const end = readFileSync(log, "utf8").trimEnd().split("\n").slice(-15).join("\n");
  throw new UserError(
    `The command '${command} ${args.join(" ")}' failed (exit code ${code}).\n${indented(end)}`,
    fix ?? `read the whole output in ${log}, correct the cause and run the same command again.`,
  );
}

/** Whether a program exists and succeeds. */
export async function succeeds(command: string, args: readonly string[], options: Options = {}): Promise<boolean> {
  try {
    return (await run(command, args, options)).code === 0;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EACCES") return false;
    throw error;
  }
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  return openSync(file, "w");
}

/** The first program of this name on a PATH, except in the folders `without`. */
export function which(name: string, path: string | undefined, without: readonly string[] = []): string | undefined {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder && !without.includes(folder));
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Whether a process is alive, also one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
