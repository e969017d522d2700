// Inputs of a resource described as data, and what the genuine command provider does with such a description: check,
// fill in defaults, mark secrets, compare with the state, and say what a preview cannot know.
import {
  changes,
  equal,
  isArchive,
  isAsset,
  isObject,
  isPlainObject,
  isUnknown,
  open,
  secret,
  unknown,
} from "./wire.mjs";

/** @typedef {import("./wire.mjs").Json} Json */
/** @typedef {import("./wire.mjs").JsonObject} JsonObject */
/** @typedef {import("./providerServer.mjs").Failure} Failure */
/**
 * @typedef {object} Field
 * @property {"string" | "number" | "bool" | "strings" | "list" | "stringMap" | "asset" | Fields} type
 * @property {boolean} [required]
 * @property {string | number | boolean} [default]
 * @property {boolean} [secret]
 * @property {boolean} [replaces] a change makes a new resource
 * @property {boolean} [unimplemented] known to the genuine provider only
 */
/** @typedef {{ [name: string]: Field }} Fields */

/**
 * @param {Fields} fields
 * @param {JsonObject} inputs
 * @param {string} type for messages
 * @returns {{ inputs: JsonObject, failures: Failure[] }}
 */
export function checkInputs(fields, inputs, type) {
  /** @type {Failure[]} */
  const failures = [];
  const known = Object.fromEntries(Object.entries(inputs).filter(([name]) => !isInternal(name)));
  const checked = checkObject(fields, known, type, failures);
  // The genuine provider fills in no defaults when it refuses, but keeps secrets out of the message all the same.
  return { inputs: failures.length === 0 ? checked : markSecrets(fields, inputs), failures };
}

/** @param {Fields} fields @param {JsonObject} value @param {string} owner @param {Failure[]} failures @returns {JsonObject} */
function checkObject(fields, value, owner, failures) {
  /** @type {JsonObject} */
  const result = {};
  for (const name of Object.keys(value))
    if (!fields[name]) failures.push({ property: name, reason: `Unrecognized field '${name}' on '${owner}'` });
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name] ?? field.default;
    if (given === undefined) {
      if (field.required) failures.push({ property: name, reason: `Missing required field '${name}' on '${owner}'` });
      continue;
    }
    if (field.unimplemented)
      failures.push({ property: name, reason: `the stand-in does not implement '${name}' of '${owner}'` });
    result[name] = checkValue(field, given, name, owner, failures);
  }
  return markSecrets(fields, result);
}

/** @param {Field} field @param {Json} value @param {string} name @param {string} owner @param {Failure[]} failures @returns {Json} */
function checkValue(field, value, name, owner, failures) {
  const opened = open(value) ?? null;
  if (opened === unknown) return value;
  if (typeof field.type === "object" && isObject(opened) && isPlainObject(opened)) {
    const inner = checkObject(field.type, opened, `${owner}.${name}`, failures);
    return value === opened ? inner : secret(inner);
  }
  if (!hasType(field.type, opened)) {
    const wanted = typeof field.type === "object" ? "object" : field.type;
    const got = Array.isArray(opened) ? "list" : typeof opened;
    failures.push({
      property: name,
      reason: `Field '${name}' on '${owner}' must be a '${wanted}'; got '${got}' instead`,
    });
  }
  return value;
}

/** @param {Field["type"]} type @param {Json} value @returns {boolean} */
function hasType(type, value) {
  /** @param {Json} item */
  const isText = (item) => typeof open(item) === "string";
  if (type === "string" || type === "number") return typeof value === type;
  if (type === "bool") return typeof value === "boolean";
  if (type === "list") return Array.isArray(value);
  if (type === "strings") return Array.isArray(value) && value.every(isText);
  if (type === "stringMap") return isObject(value) && isPlainObject(value) && Object.values(value).every(isText);
  if (type === "asset") return isAsset(value) || isArchive(value);
  return false;
}

/** @param {Fields} fields @param {JsonObject} value @returns {JsonObject} */
function markSecrets(fields, value) {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, fields[name]?.secret ? secret(inner) : inner]),
  );
}

/** Properties of the engine and of provider frameworks, which are nobody's inputs. @param {string} name */
function isInternal(name) {
  return name === "version" || name.startsWith("__");
}

/**
 * @param {Fields} fields
 * @param {JsonObject} state
 * @param {JsonObject} inputs
 * @returns {import("./providerServer.mjs").Diff}
 */
export function diffInputs(fields, state, inputs) {
  /** @type {import("./providerServer.mjs").Diff} */
  const diff = new Map();
  for (const [name, field] of Object.entries(fields))
    for (const [path, kind] of changes(state[name], inputs[name], name))
      diff.set(path, field.replaces ? `${kind}_REPLACE` : kind);
  return diff;
}

/**
 * What a preview shows of the outputs: those that mirror an input as they are; any other is unknown when the resource is
 * new or an input that it had changes.
 * @param {Fields} fields
 * @param {JsonObject | undefined} state of a resource that is there already
 * @param {JsonObject} inputs
 * @param {JsonObject} outputs
 * @returns {JsonObject}
 */
export function previewOutputs(fields, state, inputs, outputs) {
  const reacts =
    state === undefined ||
    Object.keys(fields).some((name) => isUnknown(inputs[name]) || (name in state && !equal(inputs[name], state[name])));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, name in inputs || !reacts ? value : unknown]),
  );
}
