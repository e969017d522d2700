// Property values as they travel between the engine and a plugin: JSON in which objects with a known signature stand for
// secrets, assets and so on. The stand-ins keep values in this form, so that whatever an input carries (a secret mark, an
// unknown, an asset's hash) reaches the outputs unharmed; `reveal` gives the plain value where one is needed.

/** @typedef {import("./json.js").Json} Json */
/** @typedef {import("./json.js").JsonObject} JsonObject */

const signature = "4dabf18193072939515e22adb298388d";
const signatures = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
};

/** Stands for a value that a preview cannot know. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The engine has a sentinel for each type; one is enough here. */
const unknowns = new Set([
  unknown,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * @param {Json | undefined} value
 * @returns {value is JsonObject}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {keyof typeof signatures} kind
 * @param {Json | undefined} value
 * @returns {value is JsonObject}
 */
function isSigned(kind, value) {
  return isObject(value) && value[signature] === signatures[kind];
}

/** @param {Json | undefined} value */
export const isSecret = (value) => isSigned("secret", value);
/** @param {Json | undefined} value @returns {value is JsonObject} */
export const isAsset = (value) => isSigned("asset", value);
/** @param {Json | undefined} value @returns {value is JsonObject} */
export const isArchive = (value) => isSigned("archive", value);
/** @param {Json | undefined} value an object of the user's own, without a signature */
export const isPlainObject = (value) => isObject(value) && !(signature in value);

/** @param {Json} value @returns {Json} */
export function secret(value) {
  return isSecret(value) ? value : { [signature]: signatures.secret, value };
}

/** The value inside a secret's envelope, or the value itself. @param {Json | undefined} value @returns {Json | undefined} */
export function open(value) {
  return isObject(value) && isSecret(value) ? open(value.value) : value;
}

/** Whether a preview does not know the value as a whole. @param {Json | undefined} value */
export function isUnknown(value) {
  return open(value) === unknown;
}

/** One form for each value: output envelopes become secrets or unknowns, and properties set to null are absent.
 * @param {Json} value @returns {Json} */
export function normalize(value) {
  if (typeof value === "string") return unknowns.has(value) ? unknown : value;
  if (Array.isArray(value)) return value.map(normalize);
  if (!isObject(value)) return value;
  if (isSigned("output", value)) {
    const inner = "value" in value ? normalize(value.value) : unknown;
    return value.secret === true ? secret(inner) : inner;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, normalize(inner)]),
  );
}

/** The plain value, without secret envelopes at any depth. @param {Json} value @returns {Json} */
export function reveal(value) {
  const opened = open(value) ?? null;
  if (Array.isArray(opened)) return opened.map(reveal);
  if (!isObject(opened)) return opened;
  return Object.fromEntries(Object.entries(opened).map(([key, inner]) => [key, reveal(inner)]));
}

/** @param {Json | undefined} a @param {Json | undefined} b @returns {boolean} */
export function equal(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  // Assets are what they contain: the same text at another path is no change.
  if ((isAsset(a) && isAsset(b)) || (isArchive(a) && isArchive(b))) return a.hash === b.hash;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
}

/** @typedef {Map<string, "ADD" | "DELETE" | "UPDATE">} Changes property path → what happens to it */

/**
 * The changed paths of an object, each as deep as both sides have structure (a secret is one value).
 * @param {Json | undefined} before
 * @param {Json | undefined} after
 * @returns {Changes}
 */
export function changes(before, after, path = "", found = /** @type {Changes} */ (new Map())) {
  if (equal(before, after)) return found;
  if (before === undefined) return found.set(path, "ADD");
  if (after === undefined) return found.set(path, "DELETE");
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++)
      changes(before[i], after[i], `${path}[${i}]`, found);
  } else if (isObject(before) && isObject(after) && isPlainObject(before) && isPlainObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      changes(before[key], after[key], path + pathStep(key, path === ""), found);
  } else found.set(path, "UPDATE");
  return found;
}

/** @param {string} key @param {boolean} first */
function pathStep(key, first) {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `["${key.replace(/"/g, '\\"')}"]`;
  return first ? key : `.${key}`;
}
