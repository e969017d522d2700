// The plugin of @pulumi/command 1.2.1, for machines that cannot download it.
import { randomBytes } from "node:crypto";
import type { Connection } from "./command/connection";
import { copyToRemote, type Source } from "./command/copy";
import { killLocalCommands, runLocal } from "./command/localRun";
import type { Outputs } from "./command/output";
import { runRemote } from "./command/remoteRun";
import { checkInputs, diffInputs, type Fields, previewOutputs } from "./protocol/inputs";
import { type Operation, type Resource, serveProvider } from "./protocol/provider";
import { isArchive, isAsset, isObject, type Json, type JsonObject, open, reveal } from "./protocol/values";

const endpoint: Fields = {
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

const remote: Fields = {
  connection: { type: { ...endpoint, proxy: { type: endpoint } }, required: true, secret: true },
  triggers: { type: "list", replaces: true },
};

const command: Fields = {
  create: { type: "string" },
  update: { type: "string" },
  delete: { type: "string" },
  triggers: { type: "list", replaces: true },
  stdin: { type: "string" },
  logging: { type: "string" },
  environment: { type: "stringMap" },
  addPreviousOutputInEnv: { type: "bool", default: true },
};

const localCommand: Fields = {
  ...command,
  interpreter: { type: "strings" },
  dir: { type: "string" },
  assetPaths: { type: "strings", unimplemented: true },
  archivePaths: { type: "strings", unimplemented: true },
};

const copy: Fields = {
  ...remote,
  source: { type: "asset", required: true },
  remotePath: { type: "string", required: true },
};

type Steps = Partial<Record<"create" | "update" | "delete", string>>;

type Run<Settings> = (operation: Operation, command: string, settings: Settings) => Promise<Outputs>;

/** A resource with a command for each step of its life. */
function commandResource<Settings>(type: string, fields: Fields, run: Run<Settings>): Resource {
  const take = async (operation: Operation, step: keyof Steps, properties: JsonObject) => {
    const settings = reveal(properties) as Settings & Steps & Partial<Outputs>;
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

/** Without `delete`: what was copied stays on the server. */
const copyResource: Resource = {
  check(given) {
    const { inputs, failures } = checkInputs(copy, given, "command:remote:CopyToRemote");
    const source = open(inputs.source);
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    // A source that a preview does not know yet is refused too.
    if (!isAsset(source) && !isArchive(source)) fail("asset", "either asset or archive must be set");
    else if (!localSource(source)) {
      if (isAsset(source)) fail("asset", "asset must be a path-based file asset or a text asset");
      else fail("archive", "archive must be a path to a file or directory");
    }
    return { inputs, failures };
  },
  diff: (state, inputs) => diffInputs(copy, state, inputs),
  async create(operation, inputs) {
    if (operation.preview) return { id: "", outputs: previewOutputs(copy, undefined, inputs, inputs) };
    await copySource(operation, inputs);
    return { id: randomBytes(4).toString("hex"), outputs: inputs };
  },
  async update(operation, state, inputs) {
    if (operation.preview) return previewOutputs(copy, state, inputs, inputs);
    const isMoved = open(state.remotePath) !== open(inputs.remotePath);
    if (isMoved || hashOf(state.source) !== hashOf(inputs.source)) await copySource(operation, inputs);
    return inputs;
  },
};

async function copySource(operation: Operation, inputs: JsonObject): Promise<void> {
  const { connection, source, remotePath } = reveal(inputs) as JsonObject & { remotePath: string };
  const local = localSource(source);
  if (local) await copyToRemote(operation, connection as unknown as Connection, local, remotePath);
}

/** A path or a text; undefined if it must be downloaded, or is an archive of other assets. */
function localSource(source: Json | undefined): Source | undefined {
  if (!isObject(source)) return undefined;
  const { path, text, uri } = source;
  if (typeof path === "string" && path !== "") return { path };
  // The engine leaves out an empty text.
  return isAsset(source) && !uri ? { text: typeof text === "string" ? text : "" } : undefined;
}

function hashOf(source: Json | undefined): Json | undefined {
  const asset = open(source);
  return isObject(asset) ? asset.hash : undefined;
}

process.once("exit", killLocalCommands);
await serveProvider({
  name: "command",
  version: "1.2.1",
  resources: {
    "command:remote:Command": commandResource("command:remote:Command", { ...remote, ...command }, runRemote),
    "command:local:Command": commandResource("command:local:Command", localCommand, runLocal),
    "command:remote:CopyToRemote": copyResource,
  },
});
