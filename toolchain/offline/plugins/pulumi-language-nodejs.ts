// The engine's language host for Node, for machines that cannot download it: runs the program with the SDK's own runner
// and tells the engine how it ended.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type ILanguageRuntimeServer, LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/language_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { attachTo, engineAddress, handler, serve } from "./protocol/engine";

/** The runner's exit code when it has shown the user the error already. */
const alreadyExplained = 32;

/** They must not outlive this process. */
const programs = new Set<ChildProcess>();

function killPrograms(): void {
  for (const program of programs) program.kill("SIGKILL");
}

async function run(request: messages.RunRequest): Promise<messages.RunResponse> {
  const directory = directoryOf(request);
  const options = readOptions(request.getInfo());
  const response = new messages.RunResponse();
  let runner: string;
  try {
    const { resolve } = createRequire(join(directory, "index.js"));
    runner = process.env.PULUMI_LANGUAGE_NODEJS_RUN_PATH ?? resolve("@pulumi/pulumi/cmd/run");
  } catch {
    return response.setError("It looks like the Pulumi SDK has not been installed. Have you run npm install?");
  }
  const program = spawn(process.execPath, [...options.nodeArguments, runner, ...runArguments(request)], {
    cwd: directory,
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    },
    // The engine shows what this process prints as the program's own output.
    stdio: ["ignore", "inherit", "inherit"],
  });
  programs.add(program);
  const end = await new Promise<string | number | null>((resolve) => {
    program.on("error", (error) => {
      resolve(`Problem executing program (could not run language executor): ${error.message}`);
    });
    program.on("close", (code, signal) => {
      resolve(signal ? `Program exited unexpectedly: signal: ${signal}` : code);
    });
  });
  programs.delete(program);
  if (typeof end === "string") return response.setError(end);
  if (end === alreadyExplained) return response.setBail(true);
  return end === 0 ? response : response.setError(`Program exited with non-zero exit code: ${end}`);
}

function runArguments(request: messages.RunRequest): string[] {
  const info = request.getInfo();
  const options: Record<string, string | undefined> = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress(),
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory(),
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: String(request.getParallel()),
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    firstGiven(info?.getEntryPoint(), request.getProgram(), "."),
    ...request.getArgsList(),
  ];
}

/** `runtime.options` of Pulumi.yaml. */
function readOptions(info: messages.ProgramInfo | undefined) {
  const given: Record<string, unknown> = info?.getOptions()?.toJavaScript() ?? {};
  const { typescript = true, nodeargs = "", packagemanager = "", ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown) throw new Error(`runtime option '${unknown}' is not known to the nodejs language host`);
  if (typeof typescript !== "boolean") throw new Error("typescript option must be a boolean");
  if (typeof nodeargs !== "string") throw new Error("nodeargs option must be a string");
  if (typeof packagemanager !== "string") throw new Error("packagemanager option must be a string");
  return { typescript, nodeArguments: splitWords(nodeargs) };
}

/** Words as a shell splits them, with quotes. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

interface Program {
  getInfo(): messages.ProgramInfo | undefined;
  getPwd(): string;
}

function directoryOf(request: Program): string {
  return firstGiven(request.getInfo()?.getProgramDirectory(), request.getPwd());
}

/** A text that is not given is empty in the protocol. */
function firstGiven(...texts: (string | undefined)[]): string {
  return texts.find((text) => text !== undefined && text !== "") ?? "";
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly version?: string;
}

async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
  return JSON.parse(text) as Manifest;
}

async function listDependencies(directory: string): Promise<messages.DependencyInfo[]> {
  const { dependencies, devDependencies } = await readManifest(directory);
  return Promise.all(
    Object.keys({ ...dependencies, ...devDependencies }).map(async (name) => {
      const { version = "" } = await readManifest(join(directory, "node_modules", name));
      return new messages.DependencyInfo().setName(name).setVersion(version);
    }),
  );
}

process.once("exit", killPrograms);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
await serve<ILanguageRuntimeServer>(
  LanguageRuntimeService,
  {
    handshake: handler((request) => {
      attachTo(request.getEngineAddress());
      return new messages.LanguageHandshakeResponse();
    }),
    getPluginInfo: handler(() => {
      const { version } = createRequire(import.meta.url)("@pulumi/pulumi/package.json") as { version: string };
      return new plugin.PluginInfo().setVersion(version);
    }),
    // The genuine host lists every Pulumi package in node_modules, and the engine then downloads the plugins of all.
    getRequiredPackages: handler(() => new messages.GetRequiredPackagesResponse()),
    getRequiredPlugins: handler(() => new messages.GetRequiredPluginsResponse()),
    runtimeOptionsPrompts: handler(() => new messages.RuntimeOptionsResponse()),
    about: handler(() => new messages.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
    getProgramDependencies: handler(async (request) =>
      new messages.GetProgramDependenciesResponse().setDependenciesList(await listDependencies(directoryOf(request))),
    ),
    installDependencies(call) {
      const message = Buffer.from("The offline language host installs no packages.\nFix: run: npm ci\n");
      call.write(new messages.InstallDependenciesResponse().setStderr(message));
      call.end();
    },
    run: handler(run),
    cancel: handler(() => {
      killPrograms();
      return new Empty();
    }),
  },
  killPrograms,
);
