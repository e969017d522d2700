// Property values as the engine sends them: JSON in which an object with a known signature is a secret, an asset or an
// output. Plugins keep values in this form, so that a secret mark or an asset's hash reaches the outputs unchanged.
// The constants are those of https://github.com/pulumi/pulumi/blob/master/sdk/nodejs/runtime/rpc.ts.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const signature = "4dabf18193072939515e22adb298388d";
const signatures = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
};

/** A value that a preview cannot know. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The engine has one such text for each type of value. */
const unknowns = new Set([
  unknown,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

type Value = Json | undefined;
interface Signed extends JsonObject {
  [signature]: string;
}

export function isObject(value: Value): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSigned(kind: keyof typeof signatures, value: Value): value is Signed {
  return isObject(value) && value[signature] === signatures[kind];
}

export const isAsset = (value: Value) => isSigned("asset", value);
export const isArchive = (value: Value) => isSigned("archive", value);
/** An object of the program's own, without a signature. */
export const isPlainObject = (value: Value): value is JsonObject => isObject(value) && !(signature in value);

export function secret(value: Json): Json {
  return isSigned("secret", value) ? value : { [signature]: signatures.secret, value };
}

/** The value without its secret mark. */
export function open(value: Json): Json;
export function open(value: Value): Value;
export function open(value: Value): Value {
  return isSigned("secret", value) ? open(value.value ?? null) : value;
}

/** Whether a preview knows nothing of the value. */
export function isUnknown(value: Value): boolean {
  return open(value) === unknown;
}

/** Gives each value one form only: outputs become secrets or unknowns, and properties that are null are left out. */
export function normalize(value: Json): Json {
  if (typeof value === "string") return unknowns.has(value) ? unknown : value;
  if (Array.isArray(value)) return value.map(normalize);
  if (!isObject(value)) return value;
  if (isSigned("output", value)) {
    const inner = normalize(value.value ?? unknown);
    return value.secret === true ? secret(inner) : inner;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, normalize(inner)]),
  );
}

/** The value without secret marks at any depth. */
export function reveal(value: Json): Json {
  const opened = open(value);
  if (Array.isArray(opened)) return opened.map(reveal);
  if (!isObject(opened)) return opened;
  return Object.fromEntries(Object.entries(opened).map(([key, inner]) => [key, reveal(inner)]));
}

export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  // An asset is what it contains: the same text at another path is no change.
  if ((isAsset(a) && isAsset(b)) || (isArchive(a) && isArchive(b))) return a.hash === b.hash;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
}

/** What happens to each property, by its path. */
export type Changes = Map<string, "ADD" | "DELETE" | "UPDATE">;

/** The changed paths of a value, as deep as both sides have structure; a secret is one value. */
export function changes(before: Value, after: Value, path = "", found: Changes = new Map()): Changes {
  if (equal(before, after)) return found;
  if (before === undefined) return found.set(path, "ADD");
  if (after === undefined) return found.set(path, "DELETE");
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++)
      changes(before[i], after[i], `${path}[${i}]`, found);
  } else if (isPlainObject(before) && isPlainObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      changes(before[key], after[key], path + pathStep(key, path === ""), found);
  } else found.set(path, "UPDATE");
  return found;
}

function pathStep(key: string, isFirst: boolean): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `["${key.replace(/"/g, '\\"')}"]`;
  return isFirst ? key : `.${key}`;
}
