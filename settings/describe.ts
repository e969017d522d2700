import { z } from "zod";
import { settingsSchema } from "./schema";
import { settingText, type SettingText } from "./setting";

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
    const entry = `${key}.${settingText(inner.keyType as z.ZodType)?.placeholder ?? "NAME"}`;
    return [...settingRows(inner.keyType as z.ZodType, entry), ...settingRows(inner.valueType as z.ZodType, entry)];
  }
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
      settingRows(field, key ? `${key}.${name}` : name),
    );
  }
  return inner instanceof z.ZodDiscriminatedUnion ? kindRows(inner, key) : [];
}

/** The settings of every kind, each once; one that not all kinds have, or have in the same way, says whose it is. */
function kindRows(union: z.ZodDiscriminatedUnion, key: string): SettingRow[] {
  const kinds = union.options.map((option) => ({
    name: kindOf(union, option),
    rows: settingRows(option as z.ZodType, key),
  }));
  const idOf = (row: SettingRow) => `${row.key}\0${row.meaning}`;
  const all = new Map(kinds.flatMap(({ rows }) => rows.map((row) => [idOf(row), row] as const)));
  return [...all.values()].map((row) => {
    const owners = kinds.filter(({ rows }) => rows.some((other) => idOf(other) === idOf(row))).map(({ name }) => name);
    return owners.length === kinds.length ? row : { ...row, meaning: `(${owners.join(", ")}) ${row.meaning}` };
  });
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

/** Of several kinds the one that the value names, or the first. */
function ofKind(schema: z.ZodType, value: unknown): z.ZodType {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const named = (value as Record<string, unknown> | undefined)?.[schema.def.discriminator];
  const options = schema.options as unknown as z.ZodType[];
  return options.find((option) => kindOf(schema, option) === named) ?? options[0] ?? schema;
}
