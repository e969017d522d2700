import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { indented, UserError } from "../common/errors";
import { type Env, paths } from "../common/paths";
import { type Result, run } from "../common/run";
import { say, step } from "../common/steps";
import { environment } from "./environment";
import { EngineErrors } from "./events";
import { hints } from "./hints";
import { clearStaleLock, lockError, lockIn } from "./locks";
import { endOrphans } from "./orphans";
import { ensurePassphrase, passphraseFix } from "./passphrase";
import { engineMessage, Pulumi } from "./pulumi";
import { serverKind, serverSettings, shortName } from "./serverKind";
import { isOnServer, isRepeatable, isRunByEngine, type State } from "./state";
import { secretsProvider, StackFile } from "./stackFile";

const repeat = "correct the cause shown above and run the same command again.";

/** One stack of the project in `root`. */
export class Stack {
  readonly shortName: string;
  readonly file: StackFile;
  private readonly project: string;
  private readonly paths: ReturnType<typeof paths>;
  private readonly pulumi: Pulumi;
  /** The engine's own file, if the state is in this checkout. */
  private readonly checkpoint: string;

  /** `name`: "local", or "organisation/project/name" on a backend with those; `engine`: the pulumi program. */
  constructor(
    readonly root: string,
    readonly name: string,
    engine: string,
    env: Env = environment(root),
  ) {
    this.shortName = shortName(name);
    this.paths = paths(root);
    this.project = projectName(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
    this.file = new StackFile(root, this.shortName);
    this.pulumi = new Pulumi(root, engine, env);
    this.checkpoint = join(this.paths.state, ".pulumi", "stacks", this.project, `${this.shortName}.json`);
  }

  /** Prepares what the engine needs before any command. */
  async prepare(): Promise<void> {
    mkdirSync(this.paths.state, { recursive: true, mode: 0o700 });
    ensurePassphrase(this.root);
    await clearStaleLock({
      project: this.project,
      stack: this.shortName,
      backendUrl: this.pulumi.env.PULUMI_BACKEND_URL ?? "",
      clear: async () => {
        endOrphans(this.root);
        await this.ask("cancel", "--yes", "--stack", this.name);
      },
    });
  }

  async exists(): Promise<boolean> {
    if (existsSync(this.checkpoint)) return true;
    const stacks = JSON.parse(await this.ask("stack", "ls", "--json", "--project", this.project)) as { name: string }[];
    return stacks.some(({ name }) => name === this.name || shortName(name) === this.shortName);
  }

  async createIfMissing(): Promise<void> {
    if (await this.exists()) return;
    this.file.recordBefore();
    // Without it a new stack has the backend's default provider, whatever its settings say.
    const provider = secretsProvider(this.file.read() ?? "");
    const flags = provider === undefined ? [] : ["--secrets-provider", provider];
    await this.file.keepText(() => step(`stack ${this.name}`, () => this.ask("stack", "init", this.name, ...flags)));
  }

  /** Makes plain `pulumi` commands in this checkout work on this stack. */
  async select(): Promise<void> {
    await this.ask("stack", "select", this.name);
  }

  /** Runs preview, up or destroy with the engine's own display and its question, and the user's flags. */
  async operate(command: "preview" | "up" | "destroy", args: readonly string[]): Promise<void> {
    const errors = await EngineErrors.listen();
    const all = [command, "--stack", this.name, "--suppress-progress", ...errors.args, ...args];
    try {
      const env = { ...this.pulumi.env, ...errors.env };
      const { code, stderr } = await run(this.pulumi.engine, all, { cwd: this.root, env, output: "show" });
      if (code !== 0) throw this.failure(command, code, `${stderr}\n${errors.text}`);
    } finally {
      errors.stop();
    }
  }

  private failure(command: string, code: number, reported: string): UserError {
    const known = explain(reported, this.root, this.name);
    if (known) return known;
    const what = command === "preview" ? "Nothing was changed." : "The steps that were completed are kept.";
    const found = hints(reported, this.name, serverKind(this.root, this.name).hints).map((hint) =>
      hint.split("\nFix: "),
    );
    const fixes = found.flatMap(([, ...fix]) => fix);
    return new UserError(
      [`The command 'pulumi ${command}' failed (exit code ${code}). ${what}`, ...found.map(([cause]) => cause)].join(
        "\n",
      ),
      fixes.length > 0 ? fixes : repeat,
      code,
    );
  }

  /** Runs a preview for its text. */
  async previewText(args: readonly string[]): Promise<Result> {
    const flags = ["--diff", "--suppress-progress", "--non-interactive", "--color", "never"];
    const { engine, env } = this.pulumi;
    return run(engine, ["preview", "--stack", this.name, ...flags, ...args], { cwd: this.root, env });
  }

  /**
   * An engine that was killed leaves the resources that it was creating as pending, and warns about them at every run.
   * Scripts and random values can be repeated, so their marks are removed. Others (a cloud server) may exist and cost
   * money, so their marks and the warning stay.
   */
  async forgetPendingCommands(): Promise<void> {
    if (!existsSync(this.checkpoint)) return; // kept elsewhere
    if (!readFileSync(this.checkpoint, "utf8").includes(`"pending_operations"`)) return;
    const state = await this.export();
    const pending = state.deployment.pending_operations ?? [];
    const left = pending.filter((operation) => !isRepeatable(operation));
    if (left.length === pending.length) return;
    say(`An earlier command was interrupted. ${pending.length - left.length} unfinished step(s) will be repeated.`);
    state.deployment.pending_operations = left;
    await this.import(state);
  }

  /**
   * Removes everything on a server that no longer exists from the state, so that `destroy` does not connect to it. Only
   * such resources depend on each other, so nothing that stays refers to a removed one.
   */
  async forgetServer(): Promise<void> {
    const state = await this.export();
    const resources = state.deployment.resources ?? [];
    const left = resources.filter(({ type }) => !isOnServer(type));
    say(`${resources.length - left.length} resource(s) on the server are removed from the state only.`);
    state.deployment.resources = left;
    state.deployment.pending_operations = (state.deployment.pending_operations ?? []).filter(
      ({ resource }) => !isOnServer(resource.type),
    );
    await this.import(state);
  }

  async export(): Promise<State> {
    return JSON.parse(await this.ask("stack", "export", "--stack", this.name)) as State;
  }

  async import(state: State): Promise<void> {
    const file = join(this.paths.local, `${this.shortName}.${process.pid}.json`);
    writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    try {
      await this.ask("stack", "import", "--stack", this.name, "--file", file);
    } finally {
      rmSync(file);
    }
  }

  /** The id of the container that is the stack's server, if it has one and the state is in this checkout. */
  containerId(): string | undefined {
    if (!existsSync(this.checkpoint)) return undefined;
    const { checkpoint } = JSON.parse(readFileSync(this.checkpoint, "utf8")) as {
      checkpoint?: { latest?: State["deployment"] };
    };
    const resources = checkpoint?.latest?.resources ?? [];
    return resources.find(({ urn }) => urn.endsWith("ContainerServer$command:local:Command::server"))?.outputs?.stdout;
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.ask("stack", "output", "--json", "--stack", this.name)) as Record<string, unknown>;
  }

  /** The password that sudo asks the login user for, if the settings have one and it is not root. */
  async sudoPassword(): Promise<string | undefined> {
    const { user = "root", sudoPassword } = serverSettings(this.file.read());
    if (user === "root" || sudoPassword === undefined) return undefined;
    const flags = ["--path", `${this.project}:server.sudoPassword`, "--stack", this.name];
    return (await this.ask("config", "get", ...flags)).replace(/\n$/, "");
  }

  /** The number of resources, without the stack itself and its providers. */
  async resourceCount(): Promise<number> {
    const { deployment } = await this.export();
    return (deployment.resources ?? []).filter(({ type }) => !isRunByEngine(type)).length;
  }

  /** Removes an empty stack and what was created for it, but nothing that existed before. */
  async remove(): Promise<void> {
    await this.ask("stack", "rm", "--yes", "--preserve-config", "--remove-backups", "--stack", this.name);
    this.removeTraces();
  }

  removeTraces(): void {
    this.file.restore();
    rmSync(join(this.paths.servers, this.shortName), { recursive: true, force: true });
    // An engine that is killed while it writes the state leaves an unfinished file beside it.
    const folder = dirname(this.checkpoint);
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (name.startsWith(`${basename(this.checkpoint)}.`) && name.endsWith(".tmp")) rmSync(join(folder, name));
    }
  }

  private async ask(...args: string[]): Promise<string> {
    try {
      return await this.pulumi.run(...args);
    } catch (error) {
      const text = engineMessage(error);
      throw (
        explain(text, this.root, this.name) ??
        new UserError(`The command 'pulumi ${args.join(" ")}' failed.\n${indented(text)}`, repeat)
      );
    }
  }
}

export function projectName(pulumiYaml: string): string {
  const name = /^name:\s*["']?([\w.-]+)/m.exec(pulumiYaml)?.[1];
  if (name) return name;
  throw new UserError("Pulumi.yaml has no 'name'. Nothing was changed.", "restore it: git checkout Pulumi.yaml");
}

/** The engine's errors that need more explanation than it gives. */
export function explain(reported: string, root: string, stack: string): UserError | undefined {
  if (/incorrect passphrase|passphrase must be set/.test(reported)) {
    return new UserError(
      "The passphrase is not the one this stack was made with. Nothing was changed.",
      passphraseFix(root),
    );
  }
  const isLocked = /the stack is currently locked by|Another update is currently in progress/.test(reported);
  return isLocked ? lockError(lockIn(reported), stack) : undefined;
}
