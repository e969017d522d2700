/** What one run of mocha tells runTests.ts. */
export interface MochaResult {
  readonly passing: number;
  readonly failing: number;
  readonly pending: number;
  /** Milliseconds by test file, hooks included. */
  readonly times: Readonly<Record<string, number>>;
}

/** Names the file that reporter.ts writes the result to. */
export const resultVariable = "MOCHA_RESULT";
