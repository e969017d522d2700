// Stands for the plugin of @pulumi/command 1.2.1 where that cannot be downloaded, and behaves as it does.
import { randomBytes } from "node:crypto";
import { checkInputs, diffInputs, previewOutputs } from "./inputs.mjs";
import { killLocalCommands, runLocal } from "./localRun.mjs";
import { serveProvider } from "./providerServer.mjs";
import { copyToRemote } from "./remoteCopy.mjs";
import { runRemote } from "./remoteRun.mjs";
import { isArchive, isAsset, isObject, open, reveal } from "./wire.mjs";

/** @typedef {import("./inputs.mjs").Fields} Fields */
/** @typedef {import("./wire.mjs").JsonObject} JsonObject */
/** @typedef {import("./providerServer.mjs").Operation} Operation */
/** @typedef {import("./providerServer.mjs").Resource} Resource */

/** @type {Fields} */
const endpoint = {
  user: { type: "string", default: "root" },
  password: { type: "string" },
  host: { type: "string", required: true },
  port: { type: "number", default: 22 },
  privateKey: { type: "string" },
  privateKeyPassword: { type: "string" },
  hostKey: { type: "string" },
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "number", default: 10 },
  perDialTimeout: { type: "number", default: 15 },
};

/** @type {Fields} */
const remote = {
  connection: { type: { ...endpoint, proxy: { type: endpoint } }, required: true, secret: true },
  triggers: { type: "list", replaces: true },
};

/** @type {Fields} */
const command = {
  create: { type: "string" },
  update: { type: "string" },
  delete: { type: "string" },
  triggers: { type: "list", replaces: true },
  stdin: { type: "string" },
  logging: { type: "string" },
  environment: { type: "stringMap" },
  addPreviousOutputInEnv: { type: "bool", default: true },
};

/** @type {Fields} */
const remoteCommand = { ...remote, ...command };

/** @type {Fields} */
const localCommand = {
  ...command,
  interpreter: { type: "strings" },
  dir: { type: "string" },
  assetPaths: { type: "strings", unimplemented: true },
  archivePaths: { type: "strings", unimplemented: true },
};

/** @type {Fields} */
const copy = { ...remote, source: { type: "asset", required: true }, remotePath: { type: "string", required: true } };

/** @typedef {{ stdout: string, stderr: string }} Outputs */
/** @typedef {{ [Step in "create" | "update" | "delete"]?: string }} Steps */

/**
 * A resource that is a command for each step of its life.
 * @template Settings
 * @param {string} type
 * @param {Fields} fields
 * @param {(operation: Operation, command: string, settings: Settings) => Promise<Outputs>} run
 * @returns {Resource}
 */
function commandResource(type, fields, run) {
  /** @param {Operation} operation @param {keyof Steps} step @param {JsonObject} properties */
  const take = async (operation, step, properties) => {
    const settings = /** @type {Settings & Steps & Partial<Outputs>} */ (/** @type {unknown} */ (reveal(properties)));
    const text = step === "update" ? (settings.update ?? settings.create) : settings[step];
    if (text !== undefined) return run(operation, text, settings);
    return { stdout: settings.stdout ?? "", stderr: settings.stderr ?? "" };
  };
  return {
    check: (inputs) => checkInputs(fields, inputs, type),
    diff: (state, inputs) => diffInputs(fields, state, inputs),
    async create(operation, inputs) {
      const id = operation.name + randomBytes(4).toString("hex");
      if (operation.preview)
        return { id, outputs: previewOutputs(fields, undefined, inputs, { ...inputs, stdout: "", stderr: "" }) };
      return { id, outputs: { ...inputs, ...(await take(operation, "create", inputs)) } };
    },
    async update(operation, state, inputs) {
      const { stdout = "", stderr = "" } = state;
      const next = { ...inputs, stdout: reveal(stdout), stderr: reveal(stderr) };
      if (operation.preview) return previewOutputs(fields, state, inputs, next);
      return { ...inputs, ...(await take(operation, "update", next)) };
    },
    async delete(operation, state) {
      await take(operation, "delete", state);
    },
  };
}

/** @type {Resource} */
const copyResource = {
  check(given) {
    const { inputs, failures } = checkInputs(copy, given, "command:remote:CopyToRemote");
    const source = open(inputs.source);
    const refuse = (/** @type {string} */ property, /** @type {string} */ reason) =>
      failures.push({ property, reason });
    // An unknown source is refused as well, at preview already.
    if (!isAsset(source) && !isArchive(source)) refuse("asset", "either asset or archive must be set");
    else if (isAsset(source) && !("path" in source) && !("text" in source))
      refuse("asset", "asset must be a path-based file asset or a text asset");
    else if (isArchive(source) && !("path" in source))
      refuse("archive", "archive must be a path to a file or directory");
    return { inputs, failures };
  },
  diff: (state, inputs) => diffInputs(copy, state, inputs),
  async create(operation, inputs) {
    if (operation.preview) return { id: "", outputs: previewOutputs(copy, undefined, inputs, inputs) };
    await copyInputs(operation, inputs);
    return { id: randomBytes(4).toString("hex"), outputs: inputs };
  },
  async update(operation, state, inputs) {
    if (operation.preview) return previewOutputs(copy, state, inputs, inputs);
    const moved = open(state.remotePath) !== open(inputs.remotePath);
    if (moved || hashOf(state.source) !== hashOf(inputs.source)) await copyInputs(operation, inputs);
    return inputs;
  },
};

/** @param {Operation} operation @param {JsonObject} inputs */
async function copyInputs(operation, inputs) {
  const { connection, source, remotePath } =
    /** @type {{ connection: import("./ssh.mjs").Connection, source: import("./remoteCopy.mjs").Source, remotePath: string }} */ (
      /** @type {unknown} */ (reveal(inputs))
    );
  // The engine sends both when the asset is a file, the second empty.
  const content = "path" in source && source.path ? { path: source.path } : source;
  await copyToRemote(operation, connection, content, remotePath);
}

/** @param {import("./wire.mjs").Json | undefined} source */
function hashOf(source) {
  const asset = open(source);
  return isObject(asset) ? asset.hash : undefined;
}

process.once("exit", killLocalCommands);
await serveProvider({
  name: "command",
  version: "1.2.1",
  resources: {
    "command:remote:Command": commandResource("command:remote:Command", remoteCommand, runRemote),
    "command:local:Command": commandResource("command:local:Command", localCommand, runLocal),
    "command:remote:CopyToRemote": copyResource,
  },
});
