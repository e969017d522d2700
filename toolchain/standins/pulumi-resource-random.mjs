// Stands for the plugin of @pulumi/random 4.21.1 where that cannot be downloaded, and behaves as it does for bytes,
// ids, strings and passwords.
import { randomBytes, randomInt } from "node:crypto";
import { createRequire } from "node:module";
import { checkInputs } from "./inputs.mjs";
import { serveProvider } from "./providerServer.mjs";
import { changes, reveal, secret, unknown } from "./wire.mjs";

/** @typedef {import("./inputs.mjs").Fields} Fields */
/** @typedef {import("./wire.mjs").Json} Json */
/** @typedef {import("./wire.mjs").JsonObject} JsonObject */

/**
 * @typedef {object} Kind
 * @property {Fields} fields what a user may set
 * @property {(inputs: JsonObject) => JsonObject} [complete] the inputs with the defaults, as the outputs show them
 * @property {(inputs: JsonObject) => Promise<{ id: string, made: JsonObject }>} make
 * @property {string[]} outputs the names of what is made
 * @property {string[]} secrets those of them that are
 * @property {JsonObject} [extra] what the genuine provider keeps in the state for itself
 */

/** A change of any of these values makes a new resource. @type {Fields} */
const keepers = { keepers: { type: "stringMap" } };

/** @type {Kind} */
const bytes = {
  fields: { length: { type: "number", required: true }, ...keepers },
  outputs: ["base64", "hex"],
  secrets: ["base64", "hex"],
  async make({ length }) {
    const value = randomBytes(atLeast("length", Number(length), 1));
    const base64 = value.toString("base64");
    // The genuine provider has no other id to give. So what is secret as an output is in plain sight as the id.
    return { id: base64, made: { base64, hex: value.toString("hex") } };
  },
};

/** @type {Kind} */
const id = {
  fields: { byteLength: { type: "number", required: true }, prefix: { type: "string" }, ...keepers },
  outputs: ["b64Std", "b64Url", "dec", "hex"],
  secrets: [],
  async make({ byteLength, prefix = "" }) {
    const value = randomBytes(atLeast("byteLength", Number(byteLength), 1));
    const hex = value.toString("hex");
    const url = value.toString("base64url");
    const texts = { b64Std: value.toString("base64"), b64Url: url, dec: BigInt(`0x${hex}`).toString(), hex };
    const made = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, `${prefix}${text}`]));
    return { id: url, made };
  },
};

/** @type {Fields} */
const stringFields = {
  length: { type: "number", required: true },
  lower: { type: "bool" },
  upper: { type: "bool" },
  numeric: { type: "bool" },
  number: { type: "bool" },
  special: { type: "bool" },
  minLower: { type: "number" },
  minUpper: { type: "number" },
  minNumeric: { type: "number" },
  minSpecial: { type: "number" },
  overrideSpecial: { type: "string" },
  ...keepers,
};

/** @param {JsonObject} inputs @returns {JsonObject} */
function completeString(inputs) {
  // `number` is the old name of `numeric`; the outputs have both.
  const numeric = inputs.numeric ?? inputs.number ?? true;
  const counts = { minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 };
  return { lower: true, upper: true, special: true, ...counts, ...inputs, numeric, number: numeric };
}

/** @type {Kind} */
const string = {
  fields: stringFields,
  complete: completeString,
  outputs: ["result"],
  secrets: [],
  extra: { __meta: '{"schema_version":"2"}' },
  async make(inputs) {
    const result = randomText(inputs);
    return { id: result, made: { result } };
  },
};

/** @type {Kind} */
const password = {
  fields: stringFields,
  complete: completeString,
  outputs: ["bcryptHash", "result"],
  secrets: ["bcryptHash", "result"],
  extra: { __meta: '{"schema_version":"3"}' },
  async make(inputs) {
    const result = randomText(inputs);
    const { hash } = loadBcrypt();
    return {
      id: "none",
      made: { bcryptHash: await hash(Buffer.from(result).subarray(0, 72).toString(), 10), result },
    };
  },
};

/** Needed for passwords only, so loaded for these. @returns {{ hash(text: string, rounds: number): Promise<string> }} */
function loadBcrypt() {
  return createRequire(import.meta.url)("bcryptjs");
}

/** @param {JsonObject} inputs completed */
function randomText(inputs) {
  const classes = [
    { used: inputs.lower, least: inputs.minLower, characters: "abcdefghijklmnopqrstuvwxyz" },
    { used: inputs.upper, least: inputs.minUpper, characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
    { used: inputs.numeric, least: inputs.minNumeric, characters: "0123456789" },
    {
      used: inputs.special,
      least: inputs.minSpecial,
      characters: String(inputs.overrideSpecial || "!@#$%&*()-_=+[]{}<>:?"),
    },
  ];
  const all = classes.map(({ used, characters }) => (used === true ? characters : "")).join("");
  if (all === "") throw new Error("the character set specified is empty");
  const least = classes.reduce((sum, { least }) => sum + Number(least), 0);
  const length = atLeast("length", Number(inputs.length), Math.max(1, least));
  const text = [
    ...classes.flatMap(({ characters, least }) => pick(characters, Number(least))),
    ...pick(all, length - least),
  ];
  // Shuffled, for the characters of each class stand together.
  for (let rest = text.length; rest > 1; rest--) text.push(...text.splice(randomInt(rest), 1));
  return text.join("");
}

/** @param {string} characters @param {number} count */
function pick(characters, count) {
  return Array.from({ length: count }, () => characters.charAt(randomInt(characters.length)));
}

/** @param {string} name @param {number} value @param {number} least */
function atLeast(name, value, least) {
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Attribute ${name} value must be at least ${least}, got: ${value}`);
}

/** @param {string} type @param {Kind} kind @returns {import("./providerServer.mjs").Resource} */
function resource(type, { fields, complete = (inputs) => inputs, make, outputs, secrets, extra = {} }) {
  return {
    check: (inputs) => checkInputs(fields, inputs, type),
    diff(state, inputs) {
      /** @type {import("./providerServer.mjs").Diff} */
      const diff = new Map();
      const wanted = complete(inputs);
      for (const name of Object.keys(fields))
        for (const [path, change] of changes(state[name], wanted[name], name)) diff.set(path, `${change}_REPLACE`);
      return diff;
    },
    async create({ preview }, inputs) {
      const completed = complete(inputs);
      const mark = (/** @type {string} */ name, /** @type {Json} */ value) =>
        secrets.includes(name) ? secret(value) : value;
      if (preview) {
        const unmade = outputs.map((name) => [name, mark(name, unknown)]);
        return { id: "", outputs: { ...completed, ...Object.fromEntries(unmade) } };
      }
      const { id, made } = await make(/** @type {JsonObject} */ (reveal(completed)));
      const marked = Object.entries(made).map(([name, value]) => [name, mark(name, value)]);
      return { id, outputs: { ...completed, ...extra, ...Object.fromEntries(marked) } };
    },
  };
}

await serveProvider({
  name: "random",
  version: "4.21.1",
  resources: {
    "random:index/randomBytes:RandomBytes": resource("random:index/randomBytes:RandomBytes", bytes),
    "random:index/randomId:RandomId": resource("random:index/randomId:RandomId", id),
    "random:index/randomString:RandomString": resource("random:index/randomString:RandomString", string),
    "random:index/randomPassword:RandomPassword": resource("random:index/randomPassword:RandomPassword", password),
  },
});
