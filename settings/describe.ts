import { z } from "zod";
import { settingsSchema } from "./schema";
import { settingText, type SettingText } from "./setting";

/** One row of a table of settings. */
export interface SettingRow extends SettingText {
  /** Key below the project's namespace, with `APP` for an app's name, e.g. `apps.APP.processes`. */
  key: string;
  /** Default as the user would write it; "none" where the setting may be left out without one. */
  default: string;
}

/** Settings that are documented together. */
export interface SettingSection {
  /** First part of their keys. */
  topic: string;
  /** The server kind that they belong to; none for settings that every kind has. */
  kind?: string;
  rows: SettingRow[];
}

/** Every setting there is, in the order of the schema; those of the server divided by kind. */
export function settingSections(): SettingSection[] {
  return Object.entries(settingsSchema.shape as Record<string, z.ZodType>).flatMap(([topic, schema]) => {
    const inner = unwrap(schema);
    return inner instanceof z.ZodDiscriminatedUnion
      ? kindSections(inner, topic)
      : [{ topic, rows: settingRows(schema, topic) }];
  });
}

/** Takes off what wraps a schema: optional, default, preprocess. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.out as z.ZodType) : schema;
}

/** The settings at and below a key. */
export function settingRows(schema: z.ZodType, key: string): SettingRow[] {
  const text = settingText(schema);
  if (text) return [{ key, default: text.defaultText ?? constantDefault(schema), ...text }];
  const inner = unwrap(schema);
  if (inner instanceof z.ZodRecord) {
    const entry = `${key}.${settingText(inner.keyType as z.ZodType)?.placeholder ?? "NAME"}`;
    return [...settingRows(inner.keyType as z.ZodType, entry), ...settingRows(inner.valueType as z.ZodType, entry)];
  }
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => settingRows(option as z.ZodType, key));
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
      settingRows(field, `${key}.${name}`),
    );
  }
  throw new Error(`The setting ${key} has no text. Fix: wrap its schema in setting(…).`);
}

/** What all kinds have in the same way comes first, then what is each kind's own. */
function kindSections(union: z.ZodDiscriminatedUnion, topic: string): SettingSection[] {
  const kinds = union.options.map((option) => ({
    kind: kindOf(union, option),
    rows: settingRows(option as z.ZodType, topic),
  }));
  const isSame = (a: SettingRow, b: SettingRow) => a.key === b.key && a.meaning === b.meaning;
  const isCommon = (row: SettingRow) => kinds.every(({ rows }) => rows.some((other) => isSame(row, other)));
  return [
    { topic, rows: (kinds[0]?.rows ?? []).filter(isCommon) },
    ...kinds.map(({ kind, rows }) => ({ topic, kind, rows: rows.filter((row) => !isCommon(row)) })),
  ];
}

function kindOf(union: z.ZodDiscriminatedUnion, option: unknown): string {
  const { shape } = option as z.ZodObject;
  return String((shape[union.def.discriminator] as z.ZodLiteral).value);
}

function constantDefault(schema: z.ZodType): string {
  const value: unknown = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/**
 * The schema at a path of a value, as far as it goes: the last one on the way that has a text, or the object.
 * @param value decides which kind's settings are meant
 */
export function schemaAt(path: readonly PropertyKey[], value: unknown): z.ZodType {
  let schema: z.ZodType = settingsSchema;
  let here = value;
  for (const part of path) {
    if (settingText(schema)) return schema;
    const inner = ofKind(unwrap(schema), here);
    here = (here as Record<PropertyKey, unknown> | undefined)?.[part];
    if (inner instanceof z.ZodObject) schema = (inner.shape as Record<string, z.ZodType>)[String(part)] ?? schema;
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.ZodType;
    schema = ofForm(schema, here);
  }
  return schema;
}

/** Names that an object at this path may have; none where it is not an object. */
export function knownKeys(path: readonly PropertyKey[], value: unknown): string[] {
  const here = path.reduce<unknown>((it, part) => (it as Record<PropertyKey, unknown> | undefined)?.[part], value);
  const inner = ofKind(unwrap(schemaAt(path, value)), here);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The schema of the keys of the map at this path; none where it is not a map. */
export function keySchemaAt(path: readonly PropertyKey[], value: unknown): z.ZodType | undefined {
  const inner = unwrap(schemaAt(path, value));
  return inner instanceof z.ZodRecord ? (inner.keyType as z.ZodType) : undefined;
}

/** Of a setting that is a map or something else, the schema of what the value is. */
function ofForm(schema: z.ZodType, value: unknown): z.ZodType {
  if (settingText(schema) || !(schema instanceof z.ZodUnion) || schema instanceof z.ZodDiscriminatedUnion)
    return schema;
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  const options = schema.options as unknown as z.ZodType[];
  return options.find((option) => option instanceof z.ZodObject === isMap) ?? schema;
}

/** Of several kinds the one that the value names, or the first. */
function ofKind(schema: z.ZodType, value: unknown): z.ZodType {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const named = (value as Record<string, unknown> | undefined)?.[schema.def.discriminator];
  const options = schema.options as unknown as z.ZodType[];
  return options.find((option) => kindOf(schema, option) === named) ?? options[0] ?? schema;
}
