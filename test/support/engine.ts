// Drives the engine as a user does, from the command line, on a project in a folder of its own.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { environment, fileBackendUrl } from "../../toolchain/engine/environment";
import { release, type Source, watch } from "./failures";
import { compileText, compiledRuntime } from "./program";
import { Plugins } from "./plugins";
import { root } from "./root";

/** What a run of the command line has printed, and how it ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order they came. */
  readonly output: string;
}

export interface StartedRun {
  readonly child: ChildProcess;
  readonly ended: Promise<Run>;
  /** What it has printed so far. */
  readonly printed: () => string;
}

/** A resource as `pulumi stack export` shows it. */
export interface StackResource {
  readonly urn: string;
  readonly id?: string;
  readonly type: string;
  /** URNs. */
  readonly dependencies?: readonly string[];
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly delete?: boolean;
}

export interface WorkspaceOptions {
  /** The folder with Pulumi.yaml. */
  readonly projectDir: string;
  readonly stack: string;
  /** On top of the project's own environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface TemporaryOptions {
  /** The text of index.ts; it may come later, with `writeProgram`. */
  readonly program?: string;
  /** `runtime.options` of Pulumi.yaml. */
  readonly runtimeOptions?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Run the program from its source, as users do, though that takes seconds longer each time. */
  readonly fromSource?: boolean;
  /** Resource plugins that go on running between the project's engine runs, without "pulumi-resource-". Default: none */
  readonly plugins?: readonly string[];
}

interface Exported {
  readonly deployment: {
    readonly resources?: readonly StackResource[];
    readonly pending_operations?: readonly unknown[];
  };
}

/** What a temporary project has besides its state. */
const projectFiles = ["node_modules", "Pulumi.yaml", "package.json", "tsconfig.json", "index.js", "index.ts"];

/** Commands of the engine that start plugins. */
const usesPlugins = ["up", "preview", "destroy"];

/** A project and one of its stacks. */
export class Workspace implements Source {
  readonly projectDir: string;
  readonly stack: string;
  readonly env: Record<string, string | undefined>;
  private readonly children = new Set<ChildProcess>();
  /** Commands and what they have printed, for a test that fails. */
  private readonly log: { readonly args: readonly string[]; readonly printed: () => string }[] = [];
  protected isTemporary = false;
  /** Those that go on running between this project's engine runs. */
  protected plugins: Plugins | undefined;
  /** The program is run as it is written, in TypeScript. */
  private fromSource = true;

  private static readonly all = new Set<Workspace>();
  /** A folder with the files of a temporary project's new stack. */
  private static newStack: string | undefined;

  constructor({ projectDir, stack, env = {} }: WorkspaceOptions) {
    this.projectDir = projectDir;
    this.stack = stack;
    this.env = { ...env };
    Workspace.all.add(this);
    watch(this);
  }

  /** A project in a new folder, with a state and a stack of its own; `remove` leaves nothing of it. */
  static async temporary(options: TemporaryOptions = {}): Promise<Workspace> {
    const { program = "", runtimeOptions, env, fromSource = false, plugins } = options;
    const projectDir = await mkdtemp(join(tmpdir(), "pulumi-test-"));
    await mkdir(join(projectDir, "state"));
    await symlink(join(root, "node_modules"), join(projectDir, "node_modules"));
    const main = fromSource ? "index.ts" : "index.js";
    const runtime = { name: "nodejs", options: { typescript: fromSource, ...runtimeOptions } };
    const compilerOptions = { target: "es2022", module: "commonjs", moduleResolution: "node10", noCheck: true };
    await writeFile(join(projectDir, "Pulumi.yaml"), JSON.stringify({ name: "test", runtime }));
    await writeFile(join(projectDir, "package.json"), JSON.stringify({ name: "test", main }));
    await writeFile(join(projectDir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
    const workspace = new Workspace({
      projectDir,
      stack: "dev",
      env: {
        PULUMI_BACKEND_URL: fileBackendUrl(join(projectDir, "state")),
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        ...(fromSource ? {} : await compiledRuntime()),
        ...env,
      },
    });
    workspace.isTemporary = true;
    workspace.fromSource = fromSource;
    if (plugins) workspace.plugins = new Plugins(projectDir, plugins);
    await workspace.writeProgram(program);
    await workspace.makeStack();
    return workspace;
  }

  /** Has a new stack for the next test. The project's plugins go on running. */
  async renew(): Promise<void> {
    for (const child of this.children) child.kill("SIGKILL");
    for (const name of await readdir(this.projectDir)) {
      if (!projectFiles.includes(name)) await rm(join(this.projectDir, name), { recursive: true });
    }
    await mkdir(join(this.projectDir, "state"));
    await this.makeStack();
    this.log.length = 0;
  }

  /** A new stack, as a copy of the first one: `stack init` takes half a second. */
  private async makeStack(): Promise<void> {
    const copy = async (from: string, to: string) => {
      for (const file of ["state", `Pulumi.${this.stack}.yaml`])
        await cp(join(from, file), join(to, file), { recursive: true });
    };
    const first = Workspace.newStack;
    if (first === undefined) {
      await this.succeed("stack", "init", this.stack);
      const folder = await mkdtemp(join(tmpdir(), "pulumi-test-stack-"));
      process.once("exit", () => {
        rmSync(folder, { recursive: true, force: true });
      });
      await copy(this.projectDir, folder);
      Workspace.newStack = folder;
    } else {
      await copy(first, this.projectDir);
    }
  }

  /** @param text in TypeScript */
  async writeProgram(text: string): Promise<void> {
    if (this.fromSource) await this.writeFile("index.ts", text);
    else await this.writeFile("index.js", compileText(text));
  }

  async writeFile(path: string, text: string): Promise<void> {
    await writeFile(join(this.projectDir, path), text);
  }

  /** `pulumi up`, without the preview unless `args` say otherwise; fails the test if it fails. */
  async up(...args: string[]): Promise<Run> {
    return this.succeed("up", "--yes", "--skip-preview", "--stack", this.stack, ...args);
  }

  async preview(...args: string[]): Promise<Run> {
    return this.succeed("preview", "--stack", this.stack, ...args);
  }

  async destroy(...args: string[]): Promise<Run> {
    return this.succeed("destroy", "--yes", "--skip-preview", "--stack", this.stack, ...args);
  }

  /** `pulumi up` that is expected to fail. */
  async failUp(...args: string[]): Promise<Run> {
    const run = await this.run("up", "--yes", "--skip-preview", "--stack", this.stack, ...args);
    assert.notEqual(run.code, 0, `pulumi up should fail, and printed\n${run.output}`);
    return run;
  }

  async setConfig(
    key: string,
    value: string,
    options: { readonly secret?: boolean; readonly path?: boolean } = {},
  ): Promise<void> {
    const flags = [options.secret ? "--secret" : "--plaintext", ...(options.path ? ["--path"] : [])];
    await this.succeed("config", "set", "--stack", this.stack, ...flags, key, value);
  }

  async outputs(): Promise<Record<string, unknown>> {
    const { stdout } = await this.succeed("stack", "output", "--json", "--show-secrets", "--stack", this.stack);
    return JSON.parse(stdout);
  }

  /** The state, secrets encrypted. */
  async exportText(): Promise<string> {
    return (await this.succeed("stack", "export", "--stack", this.stack)).stdout;
  }

  async export(): Promise<{
    readonly resources: readonly StackResource[];
    readonly pendingOperations: readonly unknown[];
  }> {
    const { deployment } = JSON.parse(await this.exportText()) as Exported;
    return { resources: deployment.resources ?? [], pendingOperations: deployment.pending_operations ?? [] };
  }

  /** The one resource of that name, or `undefined`. */
  async resource(name: string): Promise<StackResource | undefined> {
    const { resources } = await this.export();
    const found = resources.filter(({ urn }) => urn.endsWith(`::${name}`));
    assert.ok(found.length <= 1, `${found.length} resources are named ${name}`);
    return found[0];
  }

  async succeed(...args: string[]): Promise<Run> {
    const run = await this.run(...args);
    assert.equal(run.code, 0, `pulumi ${args.join(" ")} failed and printed\n${run.output}`);
    return run;
  }

  async run(...args: string[]): Promise<Run> {
    const attach = usesPlugins.includes(args[0] ?? "") ? await this.plugins?.variables(this.environment()) : {};
    return this.spawn(args, { ...this.environment(), ...attach }).ended;
  }

  /** A run that is under way, with plugins of its own. */
  start(...args: string[]): StartedRun {
    return this.spawn(args, this.environment());
  }

  /** How long a command takes, in seconds, and how long its processes compute. */
  async measure(...args: string[]): Promise<{ seconds: number; cpuSeconds: number }> {
    const script = `TIMEFORMAT='%R %U %S'; { time pulumi "$@" --non-interactive --color never > output 2>&1; } 2>&1`;
    const { stdout } = await promisify(execFile)("bash", ["-euc", script, "bash", ...args, "--stack", this.stack], {
      cwd: this.projectDir,
      env: this.environment(),
    });
    const [seconds = NaN, user = NaN, system = NaN] = stdout.trim().split(" ").map(Number);
    return { seconds, cpuSeconds: user + system };
  }

  private environment(): NodeJS.ProcessEnv {
    // The engine's garbage collector takes a fifth of a short run.
    const env: NodeJS.ProcessEnv = { GOGC: "400", ...environment(root), ...this.env };
    return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  }

  private spawn(args: readonly string[], env: NodeJS.ProcessEnv): StartedRun {
    const child = spawn("pulumi", [...args, "--non-interactive", "--color", "never"], {
      ...{ cwd: this.projectDir, env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.children.add(child);
    const parts = { stdout: "", stderr: "", output: "" };
    const collect = (stream: "stdout" | "stderr") => (chunk: string) => {
      parts[stream] += chunk;
      parts.output += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", collect("stdout"));
    child.stderr.setEncoding("utf8").on("data", collect("stderr"));
    const ended = new Promise<Run>((resolveRun, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        this.children.delete(child);
        resolveRun({ code, ...parts });
      });
    });
    const printed = () => parts.output;
    this.log.push({ args, printed });
    return { child, ended, printed };
  }

  async keep(folder: string): Promise<void> {
    const log = this.log.map(({ args, printed }) => `$ pulumi ${args.join(" ")}\n${printed()}\n`).join("\n");
    await writeFile(join(folder, "engine.log"), log);
    const isStackFile = (name: string) => /^(Pulumi\..*yaml|apps|index\.[jt]s)$/.test(name);
    for (const name of (await readdir(this.projectDir)).filter(isStackFile)) {
      await cp(join(this.projectDir, name), join(folder, name), { recursive: true, dereference: true });
    }
    await writeFile(join(folder, "state.json"), await this.exportText().catch(String));
  }

  /** Ends what is under way, and removes a temporary project with its state. Resources are `destroy`'s business. */
  async remove(): Promise<void> {
    await release(this);
    Workspace.all.delete(this);
    for (const child of this.children) child.kill("SIGKILL");
    this.plugins?.stop();
    if (this.isTemporary) await rm(this.projectDir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** For a test's end, which must clean up even what failed half-way. */
  static async removeAll(): Promise<void> {
    await Promise.all([...Workspace.all].map((workspace) => workspace.remove()));
  }

  async readFile(path: string): Promise<string> {
    return readFile(join(this.projectDir, path), "utf8");
  }
}
