import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { commandLine, oneLine } from "../../rendering/shell";
import { UserError } from "../common/errors";
import { paths } from "../common/paths";
import { ensurePassphrase } from "../engine/passphrase";
import { Stack } from "../engine/stack";
import { prepareTools } from "./prepare";

/**
 * Runs a command in the live release of an app, as the app's user. Its input, output and exit code are the command's. It
 * needs no lock, so it works while an `up` runs.
 * @param words the command, which no shell changes
 */
export async function exec(root: string, name: string, app: string, words: readonly string[]): Promise<void> {
  const engine = await prepareTools(root, name);
  mkdirSync(paths(root).state, { recursive: true, mode: 0o700 });
  ensurePassphrase(root);
  const stack = new Stack(root, name, engine);
  if (!(await stack.exists())) {
    throw new UserError(
      `The stack ${name} does not exist. Nothing was changed.`,
      `name another one, or deploy it: npm run up -- ${name}`,
    );
  }
  const { sshCommand } = await stack.outputs();
  if (typeof sshCommand !== "string") {
    throw new UserError(
      `The stack ${name} is not deployed yet. Nothing was changed.`,
      `deploy it: npm run up -- ${name}`,
    );
  }
  const hasTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const password = await stack.sudoPassword();
  process.exitCode = await runOverSsh(root, sshCommand, {
    words: execLine(root, { hasTerminal, asksForPassword: password !== undefined, app, words }),
    hasTerminal,
    firstLine: hasTerminal ? undefined : password,
  });
}

interface ExecLine {
  readonly hasTerminal: boolean;
  /** Whether sudo does. On a terminal it asks the user, because the terminal would show a password that is sent. */
  readonly asksForPassword: boolean;
  readonly app: string;
  readonly words: readonly string[];
}

/** What runs on the server. */
export function execLine(root: string, { hasTerminal, asksForPassword, app, words }: ExecLine): string {
  const sudo = !asksForPassword ? "none" : hasTerminal ? "terminal" : "password";
  const script = readFileSync(join(root, "assets/scripts/exec.sh"), "utf8");
  return commandLine(["bash", "-c", oneLine(script), "exec", sudo, app, ...words]);
}

interface Remote {
  readonly words: string;
  readonly hasTerminal: boolean;
  /** What is sent before stdin. */
  readonly firstLine?: string;
}

function runOverSsh(root: string, sshCommand: string, { words, hasTerminal, firstLine }: Remote): Promise<number> {
  // ssh takes options after the address too. Without the last one it says at the end that the connection is closed.
  const line = `exec ${sshCommand} ${hasTerminal ? "-tt" : "-T"} -o LogLevel=ERROR "$1"`;
  const child = spawn("/bin/sh", ["-c", line, "ssh", words], {
    cwd: root,
    stdio: [firstLine === undefined ? "inherit" : "pipe", "inherit", "inherit"],
  });
  if (child.stdin) {
    // The command may end without reading it.
    child.stdin.on("error", () => undefined).write(`${firstLine}\n`);
    process.stdin.pipe(child.stdin);
  }
  // A terminal sends it to ssh too.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (child.stdin) process.stdin.destroy();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
