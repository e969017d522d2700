/** One mistake in the settings. The value is kept separate, because it may be a secret. */
export interface Mistake {
  path: readonly PropertyKey[];
  value?: unknown;
  /** What is wrong, completing `KEY: VALUE …`. */
  text: string;
  /** What to do: an imperative sentence. */
  fix: string;
}

/** A text that was written for any app, with the name of one. */
export const forApp = (name: string, text: string) => text.replaceAll("apps.APP.", `apps.${name}.`);
