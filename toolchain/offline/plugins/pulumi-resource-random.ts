// The plugin of @pulumi/random 4.21.1, for machines that cannot download it: bytes, ids, strings and passwords.
import { randomBytes, randomInt } from "node:crypto";
import { checkInputs, type Fields } from "./protocol/inputs";
import { type Diff, type Resource, serveProvider } from "./protocol/provider";
import { changes, type Json, type JsonObject, reveal, secret, unknown } from "./protocol/values";

interface Kind {
  /** What the program may set. Any change makes a new resource. */
  readonly fields: Fields;
  /** Adds the defaults, as the outputs show them. */
  readonly complete?: (inputs: JsonObject) => JsonObject;
  readonly make: (inputs: JsonObject) => Promise<Made> | Made;
  /** The names of what is made. */
  readonly outputs: readonly string[];
  readonly isSecret?: boolean;
  /** What the genuine plugin keeps in the state for itself. */
  readonly extra?: JsonObject;
}

interface Made {
  readonly id: string;
  readonly made: Readonly<Record<string, string>>;
}

const keepers: Fields = { keepers: { type: "stringMap" } };

const bytes: Kind = {
  fields: { length: { type: "number", required: true }, ...keepers },
  outputs: ["base64", "hex"],
  isSecret: true,
  make({ length }) {
    const value = randomBytes(atLeast("length", Number(length), 1));
    const base64 = value.toString("base64");
    // The genuine plugin has this id too, so the secret output is in plain text as the id.
    return { id: base64, made: { base64, hex: value.toString("hex") } };
  },
};

const id: Kind = {
  fields: { byteLength: { type: "number", required: true }, prefix: { type: "string" }, ...keepers },
  outputs: ["b64Std", "b64Url", "dec", "hex"],
  make({ byteLength, prefix }) {
    const value = randomBytes(atLeast("byteLength", Number(byteLength), 1));
    const hex = value.toString("hex");
    const url = value.toString("base64url");
    const texts = { b64Std: value.toString("base64"), b64Url: url, dec: BigInt(`0x${hex}`).toString(), hex };
    const made = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, `${typeof prefix === "string" ? prefix : ""}${text}`]),
    );
    return { id: url, made };
  },
};

const text: Pick<Kind, "fields" | "complete"> = {
  fields: {
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
  },
  complete(inputs) {
    // `number` is the old name of `numeric`; the outputs have both.
    const numeric = inputs.numeric ?? inputs.number ?? true;
    const counts = { minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 };
    return { lower: true, upper: true, special: true, ...counts, ...inputs, numeric, number: numeric };
  },
};

const string: Kind = {
  ...text,
  outputs: ["result"],
  extra: { __meta: '{"schema_version":"2"}' },
  make(inputs) {
    const result = randomText(inputs);
    return { id: result, made: { result } };
  },
};

const password: Kind = {
  ...text,
  outputs: ["bcryptHash", "result"],
  isSecret: true,
  extra: { __meta: '{"schema_version":"3"}' },
  async make(inputs) {
    const result = randomText(inputs);
    // Loaded with the first password, because the plugin starts at every run.
    const { hash } = await import("bcryptjs");
    return { id: "none", made: { bcryptHash: await hash(Buffer.from(result).subarray(0, 72).toString(), 10), result } };
  },
};

/** @param inputs with their defaults */
function randomText(inputs: JsonObject): string {
  const special = typeof inputs.overrideSpecial === "string" ? inputs.overrideSpecial : "";
  const classes = [
    { isUsed: inputs.lower, least: Number(inputs.minLower), characters: "abcdefghijklmnopqrstuvwxyz" },
    { isUsed: inputs.upper, least: Number(inputs.minUpper), characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
    { isUsed: inputs.numeric, least: Number(inputs.minNumeric), characters: "0123456789" },
    { isUsed: inputs.special, least: Number(inputs.minSpecial), characters: special || "!@#$%&*()-_=+[]{}<>:?" },
  ];
  const all = classes.map(({ isUsed, characters }) => (isUsed === true ? characters : "")).join("");
  if (all === "") throw new Error("the character set specified is empty");
  const least = classes.reduce((sum, one) => sum + one.least, 0);
  const length = atLeast("length", Number(inputs.length), Math.max(1, least));
  const picked = [...classes.flatMap((one) => pick(one.characters, one.least)), ...pick(all, length - least)];
  // Shuffled, because the characters of a class are next to each other.
  for (let rest = picked.length; rest > 1; rest--) picked.push(...picked.splice(randomInt(rest), 1));
  return picked.join("");
}

function pick(characters: string, count: number): string[] {
  return Array.from({ length: count }, () => characters.charAt(randomInt(characters.length)));
}

function atLeast(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Attribute ${name} value must be at least ${least}, got: ${value}`);
}

function resource(type: string, kind: Kind): [string, Resource] {
  const { fields, make, outputs, isSecret = false, extra = {} } = kind;
  const complete = kind.complete ?? ((inputs: JsonObject) => inputs);
  const mark = (value: Json) => (isSecret ? secret(value) : value);
  return [
    type,
    {
      check: (inputs) => checkInputs(fields, inputs, type),
      diff(state, inputs) {
        const diff: Diff = new Map();
        const wanted = complete(inputs);
        for (const name of Object.keys(fields))
          for (const [path, change] of changes(state[name], wanted[name], name)) diff.set(path, `${change}_REPLACE`);
        return diff;
      },
      async create({ preview }, inputs) {
        const completed = complete(inputs);
        if (preview) {
          const unmade = Object.fromEntries(outputs.map((name) => [name, mark(unknown)]));
          return { id: "", outputs: { ...completed, ...unmade } };
        }
        const { id, made } = await make(reveal(completed) as JsonObject);
        const marked = Object.fromEntries(Object.entries(made).map(([name, value]) => [name, mark(value)]));
        return { id, outputs: { ...completed, ...extra, ...marked } };
      },
    },
  ];
}

await serveProvider({
  name: "random",
  version: "4.21.1",
  resources: Object.fromEntries([
    resource("random:index/randomBytes:RandomBytes", bytes),
    resource("random:index/randomId:RandomId", id),
    resource("random:index/randomString:RandomString", string),
    resource("random:index/randomPassword:RandomPassword", password),
  ]),
});
