/** One mistake in the settings. The value is kept separate, because it may be a secret. */
export interface Mistake {
  path: readonly PropertyKey[];
  value?: unknown;
  /** What is wrong, completing `KEY: VALUE …`. */
  text: string;
  /** What to do: an imperative sentence. */
  fix: string;
}
