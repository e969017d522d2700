/**
 * An error the user can do something about: what happened, where, and what to do next.
 * The command line prints its message without a stack trace; any other error is a bug and keeps its trace.
 */
export class UserError extends Error {
  /**
   * @param {string} message what happened, and where
   * @param {string} [whatToDo] the next step, as a sentence or a command
   * @param {number} [exitCode]
   */
  constructor(message, whatToDo, exitCode = 1) {
    super(whatToDo ? `${message}\n  ${whatToDo.split("\n").join("\n  ")}` : message);
    this.name = "UserError";
    this.exitCode = exitCode;
  }
}

/** A child ended by Ctrl-C: not a failure to explain, just an end. */
export class Interrupted extends UserError {
  constructor() {
    super("interrupted; the same command goes on from here", undefined, 130);
    this.name = "Interrupted";
  }
}

/**
 * @param {unknown} error
 * @returns {string | undefined} the code of a system error ("ENOENT")
 */
export function errorCode(error) {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
