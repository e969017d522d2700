import { z } from "zod";

/** What the documentation and the errors say about one setting. A constant default comes from the schema itself. */
export interface SettingText {
  /** Its meaning in one sentence, with a full stop. */
  meaning: string;
  /** The allowed values, completing "it must be …". */
  allowed: string;
  /** The default in words, if it is not a constant. */
  defaultText?: string;
  /** What to report where it is missing; the argument is the map that lacks it. Default: that it must be what is allowed. */
  missing?: (siblings: Readonly<Record<string, unknown>>) => { text: string; fix: string };
  /** For the keys of a map: what the docs write in place of a key, e.g. `APP`. */
  placeholder?: string;
  /** Its value is never shown: `true`, or "accidentally" where there is a secret in it only by mistake. */
  secret?: true | "accidentally";
}

const texts = new WeakMap<z.ZodType, SettingText>();

/** Attaches the text of a setting to its schema. */
export function setting<T extends z.ZodType>(schema: T, text: SettingText): T {
  texts.set(schema, text);
  return schema;
}

export function settingText(schema: z.ZodType): SettingText | undefined {
  return texts.get(schema);
}

export const wholeNumber = (min: number, max: number) => z.number().int().min(min).max(max);
export const port = () => wholeNumber(1, 65535);
/** RFC 1123. */
export const domainPattern = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
export const cidr = () => z.union([z.cidrv4(), z.cidrv6()]);
/** YAML reads an unquoted 3 or 2.7 as a number; the setting is a text. */
export const textOrNumber = (schema: z.ZodType<string, string>) =>
  z.preprocess((value) => (typeof value === "number" ? String(value) : value), schema);
