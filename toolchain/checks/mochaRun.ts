// What runTests.ts and its runs of mocha tell each other.

export interface MochaResult {
  readonly passing: number;
  readonly failing: number;
  readonly pending: number;
  /** Milliseconds by test file, hooks included. */
  readonly times: Readonly<Record<string, number>>;
}

/** Names the file that reporter.ts writes the result to. */
export const resultVariable = "MOCHA_RESULT";

/** Set by `npm run proof`: tests that take long run too. */
export const proofVariable = "TEST_PROOF";

/** The one platform whose tests run, of those that run on each. */
export const platformVariable = "TEST_PLATFORM";
