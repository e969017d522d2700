import { z } from "zod";
import { settingText, settingsSchema, type SettingText } from "./schema";

/** One row of the table of settings. */
export interface SettingRow extends SettingText {
  /** Key below the project's namespace, with `APP` for an app's name, e.g. `apps.APP.processes`. */
  key: string;
  /** Default as the user would write it; none where the setting may be left out without one. */
  default: string;
}

/** Takes off what wraps a schema: optional, default, preprocess. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.out as z.ZodType) : schema;
}

/** Every setting there is, in the order of the schema. */
export function settingRows(schema: z.ZodType = settingsSchema, key = ""): SettingRow[] {
  const text = settingText(schema);
  if (text) return [{ key, default: text.defaultText ?? constantDefault(schema), ...text }];
  const inner = unwrap(schema);
  if (inner instanceof z.ZodRecord) {
    const name = settingRows(inner.keyType as z.ZodType, `${key}.APP`);
    return [...name, ...settingRows(inner.valueType as z.ZodType, `${key}.APP`)];
  }
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
      settingRows(field, key ? `${key}.${name}` : name),
    );
  }
  return [];
}

function constantDefault(schema: z.ZodType): string {
  const value: unknown = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** The schema at a path of a value, as far as it goes: the last one on the way that has a text, or the object. */
export function schemaAt(path: readonly PropertyKey[]): z.ZodType {
  let schema: z.ZodType = settingsSchema;
  for (const part of path) {
    if (settingText(schema)) return schema;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) schema = (inner.shape as Record<string, z.ZodType>)[String(part)] ?? schema;
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.ZodType;
  }
  return schema;
}

/** Names that an object at this path may have; none where it is not an object. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schemaAt(path));
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
