/**
 * An error that the user can act on: what failed and how to fix it. The command line prints it without a stack trace;
 * any other error is a bug and keeps its trace.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";

  /** `problem`: full sentences that name the value; `fix`: imperative sentences or commands, one line each. */
  constructor(
    problem: string,
    fix: string | readonly string[] = [],
    readonly exitCode = 1,
  ) {
    super([problem, ...[fix].flat().map((line) => `Fix: ${line}`)].join("\n"));
  }
}

/** A child process was ended by Ctrl-C. */
export class Interrupted extends UserError {
  override readonly name = "Interrupted";

  constructor() {
    super("Interrupted.", "run the same command again to continue.", 130);
  }
}

/**
 * Runs a command. An error that the user can act on is printed, and sets the exit code.
 * @param others classes of such errors that are not of the toolchain
 */
export async function reportUserErrors(
  command: () => Promise<void> | void,
  others: readonly (new (...args: never[]) => Error)[] = [],
): Promise<void> {
  try {
    await command();
  } catch (error) {
    const isKnown = [UserError, ...others].some((it) => error instanceof it);
    if (!(error instanceof Error && isKnown)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = error instanceof UserError ? error.exitCode : 1;
  }
}

/** The code of a system error, such as "ENOENT". */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export function indented(text: string): string {
  return text.trim().replace(/^/gm, "    ");
}
