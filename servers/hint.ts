/** What to do about a failure that the engine, a plugin or a cloud reports in its own words. */
export interface Hint {
  /** Matches the reported error. */
  pattern: RegExp;
  /** What it means, and a line `Fix: …`. */
  hint: (stack: string) => string;
}
