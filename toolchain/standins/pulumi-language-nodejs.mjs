// Stands for the engine's language host for Node where that cannot be downloaded: runs the program with the SDK's own
// runner and tells the engine how it ended.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import services from "@pulumi/pulumi/proto/language_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { engineAddress, handler, serve } from "./engineLink.mjs";

/** @typedef {import("@pulumi/pulumi/proto/language_pb.js").RunRequest} RunRequest */
/** @typedef {import("@pulumi/pulumi/proto/language_pb.js").ProgramInfo} ProgramInfo */
/** @typedef {{ dependencies?: Record<string, string>, devDependencies?: Record<string, string>, version?: string }} PackageJson */

/** The runner's exit code when it has told the user already what is wrong. */
const alreadyExplained = 32;

/** Programs under way, which must not outlive this process. @type {Set<import("node:child_process").ChildProcess>} */
const programs = new Set();
const killPrograms = () => programs.forEach((program) => program.kill("SIGKILL"));

/** @param {RunRequest} request */
async function run(request) {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() || request.getPwd();
  const options = readOptions(info);
  const response = new messages.RunResponse();
  const require = createRequire(join(directory, "index.js"));
  let runner;
  try {
    runner = process.env.PULUMI_LANGUAGE_NODEJS_RUN_PATH || require.resolve("@pulumi/pulumi/cmd/run");
  } catch {
    response.setError("It looks like the Pulumi SDK has not been installed. Have you run npm install?");
    return response;
  }
  const program = spawn(process.execPath, [...options.nodeArguments, runner, ...runArguments(request, info)], {
    cwd: directory,
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    },
    // The engine shows what comes on this process's streams as the program's own output.
    stdio: ["ignore", "inherit", "inherit"],
  });
  programs.add(program);
  const end = await new Promise((/** @type {(end: string | number | null) => void} */ resolve) => {
    program.on("error", (error) =>
      resolve(`Problem executing program (could not run language executor): ${error.message}`),
    );
    program.on("close", (code, signal) => resolve(signal ? `Program exited unexpectedly: signal: ${signal}` : code));
  });
  programs.delete(program);
  if (typeof end === "string") response.setError(end);
  else if (end === alreadyExplained) response.setBail(true);
  else if (end !== 0) response.setError(`Program exited with non-zero exit code: ${end}`);
  return response;
}

/** @param {RunRequest} request @param {ProgramInfo | undefined} info */
function runArguments(request, info) {
  /** @type {[string, string | undefined][]} */
  const options = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engineAddress],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info?.getRootDirectory()],
    ["stack", request.getStack()],
    ["pwd", request.getPwd()],
    ["parallel", String(request.getParallel())],
  ];
  return [
    ...options.flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() || request.getProgram() || ".",
    ...request.getArgsList(),
  ];
}

/** `runtime.options` of Pulumi.yaml. @param {ProgramInfo | undefined} info */
function readOptions(info) {
  const given = info?.getOptions()?.toJavaScript() ?? {};
  const { typescript = true, nodeargs = "", packagemanager, ...others } = given;
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new Error(`runtime option '${unknown[0]}' is not known to the nodejs language host`);
  if (typeof typescript !== "boolean") throw new Error("typescript option must be a boolean");
  if (typeof nodeargs !== "string") throw new Error("nodeargs option must be a string");
  if (packagemanager !== undefined && typeof packagemanager !== "string")
    throw new Error("packagemanager option must be a string");
  return { typescript, nodeArguments: splitWords(nodeargs) };
}

/** Words as a shell sees them, with quotes. @param {string} text */
function splitWords(text) {
  return [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

/** @param {string} path @returns {Promise<PackageJson>} */
async function readPackage(path) {
  return JSON.parse(await readFile(path, "utf8"));
}

/** @param {string} directory */
async function listDependencies(directory) {
  const manifest = await readPackage(join(directory, "package.json")).catch(() => /** @type {PackageJson} */ ({}));
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  return Promise.all(
    names.map(async (name) => {
      const installed = await readPackage(join(directory, "node_modules", name, "package.json")).catch(() => undefined);
      const dependency = new messages.DependencyInfo();
      dependency.setName(name);
      dependency.setVersion(installed?.version ?? "");
      return dependency;
    }),
  );
}

process.once("exit", killPrograms);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => process.exit(1));
const service = /** @type {import("@grpc/grpc-js").ServiceDefinition} */ (
  /** @type {unknown} */ (services.LanguageRuntimeService)
);
await serve(
  service,
  {
    handshake: handler(() => new messages.LanguageHandshakeResponse()),
    getPluginInfo: handler(async () => {
      const require = createRequire(import.meta.url);
      const info = new plugin.PluginInfo();
      info.setVersion((await readPackage(require.resolve("@pulumi/pulumi/package.json"))).version ?? "");
      return info;
    }),
    // The genuine host names every Pulumi package there is, used or not, and the engine then fetches all their plugins.
    getRequiredPackages: handler(() => new messages.GetRequiredPackagesResponse()),
    getRequiredPlugins: handler(() => new messages.GetRequiredPluginsResponse()),
    runtimeOptionsPrompts: handler(() => new messages.RuntimeOptionsResponse()),
    about: handler(() => {
      const response = new messages.AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      return response;
    }),
    getProgramDependencies: handler(
      async (/** @type {import("@pulumi/pulumi/proto/language_pb.js").GetProgramDependenciesRequest} */ request) => {
        const response = new messages.GetProgramDependenciesResponse();
        const directory = request.getInfo()?.getProgramDirectory() || request.getPwd();
        response.setDependenciesList(await listDependencies(directory));
        return response;
      },
    ),
    installDependencies: /** @type {import("@grpc/grpc-js").UntypedHandleCall} */ (installDependencies),
    run: handler(run),
    cancel: handler(() => {
      killPrograms();
      return new empty.Empty();
    }),
  },
  killPrograms,
);

/** Packages are the user's to install, from the lock file. @type {import("@grpc/grpc-js").handleServerStreamingCall<never, unknown>} */
function installDependencies(call) {
  const response = new messages.InstallDependenciesResponse();
  response.setStderr(Buffer.from("This language host installs nothing; run `npm ci` instead.\n"));
  call.write(response);
  call.end();
}
