// A resource's inputs, described as data, and what the genuine command plugin does with such a description: check them,
// fill in defaults, mark secrets, compare with the state, and say what a preview cannot know. See `infer` in
// https://github.com/pulumi/pulumi-go-provider.
import type { Checked, Diff, Failure } from "./provider";
import {
  changes,
  equal,
  isArchive,
  isAsset,
  isPlainObject,
  isUnknown,
  type Json,
  type JsonObject,
  open,
  secret,
  unknown,
} from "./values";

export interface Field {
  readonly type: "string" | "number" | "bool" | "strings" | "list" | "stringMap" | "asset" | Fields;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  readonly secret?: boolean;
  /** A change makes a new resource. */
  readonly replaces?: boolean;
  /** Only the genuine plugin implements it. */
  readonly unimplemented?: boolean;
}
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a Record cannot refer to itself
export interface Fields {
  readonly [name: string]: Field;
}

/** @param type of the resource, for messages */
export function checkInputs(fields: Fields, inputs: JsonObject, type: string): Checked {
  const failures: Failure[] = [];
  const given = Object.fromEntries(Object.entries(inputs).filter(([name]) => !isInternal(name)));
  const checked = checkObject(fields, given, type, failures);
  // Inputs with a failure get no defaults, but their secrets stay out of the message.
  return { inputs: failures.length === 0 ? checked : markSecrets(fields, inputs), failures };
}

function checkObject(fields: Fields, value: JsonObject, owner: string, failures: Failure[]): JsonObject {
  const result: JsonObject = {};
  for (const name of Object.keys(value))
    if (!fields[name]) failures.push({ property: name, reason: `Unrecognized field '${name}' on '${owner}'` });
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name] ?? field.default;
    if (given !== undefined) result[name] = checkValue(field, given, name, owner, failures);
    else if (field.required)
      failures.push({ property: name, reason: `Missing required field '${name}' on '${owner}'` });
  }
  return markSecrets(fields, result);
}

function checkValue({ type, unimplemented }: Field, value: Json, name: string, owner: string, failures: Failure[]) {
  const fail = (reason: string) => failures.push({ property: name, reason });
  if (unimplemented) fail(`The offline plugin does not implement '${name}' of '${owner}'.`);
  const opened = open(value);
  if (opened === unknown) return value;
  if (typeof type === "object" && isPlainObject(opened)) {
    const inner = checkObject(type, opened, `${owner}.${name}`, failures);
    return value === opened ? inner : secret(inner);
  }
  if (!hasType(type, opened)) {
    const wanted = typeof type === "object" ? "object" : type;
    const got = Array.isArray(opened) ? "list" : typeof opened;
    fail(`Field '${name}' on '${owner}' must be a '${wanted}'; got '${got}' instead`);
  }
  return value;
}

function hasType(type: Field["type"], value: Json): boolean {
  const isText = (item: Json) => typeof open(item) === "string";
  switch (type) {
    case "string":
    case "number":
      return typeof value === type;
    case "bool":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "strings":
      return Array.isArray(value) && value.every(isText);
    case "stringMap":
      return isPlainObject(value) && Object.values(value).every(isText);
    case "asset":
      return isAsset(value) || isArchive(value);
    default:
      return false;
  }
}

function markSecrets(fields: Fields, value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, fields[name]?.secret ? secret(inner) : inner]),
  );
}

/** Set by the engine or by a framework for plugins, not by the program. */
function isInternal(name: string): boolean {
  return name === "version" || name.startsWith("__");
}

export function diffInputs(fields: Fields, state: JsonObject, inputs: JsonObject): Diff {
  const diff: Diff = new Map();
  for (const [name, field] of Object.entries(fields))
    for (const [path, kind] of changes(state[name], inputs[name], name))
      diff.set(path, field.replaces ? `${kind}_REPLACE` : kind);
  return diff;
}

/**
 * What a preview shows of the outputs: one that repeats an input is known. Any other is unknown if the resource is new, or
 * if an input changes that it had before.
 * @param state undefined for a new resource
 */
export function previewOutputs(
  fields: Fields,
  state: JsonObject | undefined,
  inputs: JsonObject,
  outputs: JsonObject,
): JsonObject {
  const isChanged = (name: string) =>
    isUnknown(inputs[name]) || (state !== undefined && name in state && !equal(inputs[name], state[name]));
  const willRun = state === undefined || Object.keys(fields).some(isChanged);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, name in inputs || !willRun ? value : unknown]),
  );
}
