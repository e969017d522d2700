// Runs one command on this computer, as command:local:Command does for its create, update and delete.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Operation } from "../protocol/provider";
import { quote, systemReason } from "./goText";
import { Capture, type Outputs, previousOutput } from "./output";

/** With the outputs of the previous run. */
export interface LocalCommand extends Partial<Outputs> {
  readonly interpreter?: readonly string[];
  readonly dir?: string;
  readonly stdin?: string;
  readonly logging?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly addPreviousOutputInEnv?: boolean;
}

const shell = process.platform === "win32" ? ["cmd", "/C"] : ["/bin/sh", "-c"];

/** They must not outlive this plugin. */
const running = new Set<ChildProcess>();

export function killLocalCommands(): void {
  for (const child of running) child.kill("SIGKILL");
}

export async function runLocal({ log, signal }: Operation, command: string, settings: LocalCommand): Promise<Outputs> {
  const { interpreter = [], dir, stdin = "", environment = {}, addPreviousOutputInEnv = true } = settings;
  const [program = "", ...options] = interpreter.length > 0 ? interpreter : shell;
  const capture = new Capture(log, settings.logging);
  const previous = addPreviousOutputInEnv ? previousOutput(settings) : {};
  const env = { ...process.env, ...environment, ...previous };

  const failure = await new Promise<string | undefined>((resolve) => {
    if (signal.aborted) {
      resolve((signal.reason as Error).message);
      return;
    }
    const impossible = reasonNotToStart(program, dir);
    if (impossible) {
      resolve(impossible);
      return;
    }
    const child = spawn(program, [...options, command], { cwd: dir, env });
    running.add(child);
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    child.stdout.on("data", (chunk: Buffer) => capture.add("stdout", chunk));
    child.stderr.on("data", (chunk: Buffer) => capture.add("stderr", chunk));
    // A command may end before it has read its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    child.on("error", (error) => {
      resolve(`fork/exec ${program}: ${systemReason(error)}`);
    });
    child.on("close", (code, killedBy) => {
      running.delete(child);
      signal.removeEventListener("abort", kill);
      if (code === 0) resolve(undefined);
      else resolve(killedBy ? `signal: ${signalNames[killedBy] ?? killedBy}` : `exit status ${code}`);
    });
  });
  capture.end();
  if (failure) throw capture.failure(failure, command);
  return capture.outputs();
}

/** As Go names them. */
const signalNames: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: "aborted",
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

/** Node reports a missing directory as a missing program, so both are checked first. */
function reasonNotToStart(program: string, dir: string | undefined): string | undefined {
  const isFound =
    /[\\/]/.test(program) ||
    (process.env.PATH ?? "").split(delimiter).some((folder) => isExecutable(join(folder, program)));
  if (!isFound) return `exec: ${quote(program)}: executable file not found in $PATH`;
  if (dir === undefined) return undefined;
  try {
    return statSync(dir).isDirectory() ? undefined : `chdir ${dir}: not a directory`;
  } catch (error) {
    return `chdir ${dir}: ${systemReason(error)}`;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return process.platform === "win32";
  }
}
