import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "./environment.mjs";
import { UserError } from "./errors.mjs";
import { hints } from "./hints.mjs";
import { clearStaleLock, lockError } from "./locks.mjs";
import { ensurePassphrase, whatToDo } from "./passphrase.mjs";
import { places } from "./paths.mjs";
import { run } from "./run.mjs";
import { say, step } from "./steps.mjs";

/**
 * One stack of the project in `root`, driven by the engine's command line.
 */
export class Stack {
  /**
   * @param {string} root
   * @param {string} name as pulumi takes it: "local", or "organisation/project/name" on a backend that has those
   * @param {string} engine the pulumi program
   */
  constructor(root, name, engine) {
    this.root = root;
    this.name = name;
    this.engine = engine;
    this.env = environment(root);
    this.places = places(root);
    this.shortName = shortName(name);
    this.project = projectName(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
    this.settings = join(root, `Pulumi.${this.shortName}.yaml`);
    /** the engine's own file, when the state is in this checkout */
    this.checkpoint = join(this.places.state, ".pulumi", "stacks", this.project, `${this.shortName}.json`);
    this.note = join(this.places.stacks, this.shortName);
  }

  /** What must be in order before the engine may touch the stack. */
  async prepare() {
    mkdirSync(this.places.state, { recursive: true, mode: 0o700 });
    ensurePassphrase(this.root);
    await clearStaleLock({
      project: this.project,
      stack: this.shortName,
      backendUrl: this.env.PULUMI_BACKEND_URL ?? "",
      cancel: async () => {
        await this.ask(["cancel", "--yes", "--stack", this.name]);
      },
    });
  }

  /** @returns {Promise<boolean>} */
  async exists() {
    const stacks = JSON.parse(await this.ask(["stack", "ls", "--json", "--project", this.project]));
    return stacks.some(
      (/** @type {{ name: string }} */ { name }) => name === this.name || shortName(name) === this.shortName,
    );
  }

  /** Makes the stack if there is none of this name. */
  async ensure() {
    if (existsSync(this.checkpoint) || (await this.exists())) return;
    // What is there before decides what `remove` leaves.
    mkdirSync(this.places.stacks, { recursive: true });
    const settings = existsSync(this.settings) ? this.readSettings() : undefined;
    const before = settings === undefined ? "made" : saltLine.test(settings) ? "kept" : "salted";
    if (!existsSync(this.note)) writeFileSync(this.note, before);
    // A new stack has the backend's own provider of secrets unless it is told, whatever its settings say.
    const provider = secretsProvider(settings ?? "");
    const flags = provider === undefined ? [] : ["--secrets-provider", provider];
    await step(`stack ${this.name}`, () => this.ask(["stack", "init", this.name, ...flags]));
    // The engine has written the whole file anew, in its own style: keep the user's text, and add its one line.
    if (settings !== undefined && before === "salted") {
      const [salt = ""] = saltLine.exec(this.readSettings()) ?? [];
      writeFileSync(this.settings, settings.replace(/\n?$/, "\n") + salt);
    }
  }

  /** Makes it the one that plain `pulumi` commands in this checkout work on. */
  async select() {
    await this.ask(["stack", "select", this.name]);
  }

  /**
   * Runs a command that shows its work: preview, up, destroy.
   * @param {string} command
   * @param {string[]} args
   */
  async operate(command, args) {
    // Not at the top: this needs packages that are installed by then.
    const { listenForErrors } = await import("./diagnostics.mjs");
    const errors = await listenForErrors();
    const all = [command, "--stack", this.name, "--suppress-progress", ...errors.args, ...args];
    try {
      const env = { ...this.env, ...errors.env };
      const { code, stderr } = await run(this.engine, all, { cwd: this.root, env, output: "show" });
      if (code === 0) return;
      const reported = `${stderr}\n${errors.text()}`;
      const whatToDo = [whereNext(command), ...hints(reported, this.name)].join("\n");
      throw (
        explain(reported, this.root, this.name) ??
        new UserError(`pulumi ${command} failed (exit code ${code}).`, whatToDo, code)
      );
    } finally {
      errors.stop();
    }
  }

  /**
   * Runs a preview for its text.
   * @param {string[]} args
   */
  async preview(args) {
    const all = ["preview", "--diff", "--stack", this.name, "--suppress-progress", "--non-interactive"];
    const options = /** @type {const} */ ({ cwd: this.root, env: this.env, output: "take" });
    return run(this.engine, [...all, "--color", "never", ...args], options);
  }

  /**
   * An engine that was killed leaves the resources it was creating marked as pending: it cannot know what became of them,
   * goes on, and warns at every run until the marks are taken away. What is remote here is a script that may run again, or
   * a random value nobody has seen: those are simply made again. Anything else (a cloud server) may exist and cost money,
   * so its mark and the engine's warning stay.
   */
  async forgetPendingCommands() {
    if (!existsSync(this.checkpoint)) return; // kept elsewhere
    if (!readFileSync(this.checkpoint, "utf8").includes(`"pending_operations"`)) return;
    const state = await this.export();
    const pending = state.deployment.pending_operations ?? [];
    const left = pending.filter((/** @type {PendingOperation} */ operation) => !isRepeatable(operation));
    if (left.length === pending.length) return;
    say(`An earlier run was interrupted: ${pending.length - left.length} unfinished step(s) will be done again.`);
    state.deployment.pending_operations = left;
    await this.import(state);
  }

  /**
   * Takes everything on the stack's server out of the state, for the server is gone for good: what is left is removed
   * without dialling it. Only remote resources depend on remote resources, so nothing that stays misses one.
   */
  async forgetServer() {
    const state = await this.export();
    /** @type {{ type: string }[]} */
    const resources = state.deployment.resources ?? [];
    const left = resources.filter(({ type }) => !isOnServer(type));
    say(`The server is gone: ${resources.length - left.length} thing(s) on it are forgotten.`);
    state.deployment.resources = left;
    state.deployment.pending_operations = (state.deployment.pending_operations ?? []).filter(
      (/** @type {PendingOperation} */ { resource }) => !isOnServer(resource.type),
    );
    await this.import(state);
  }

  async export() {
    return JSON.parse(await this.ask(["stack", "export", "--stack", this.name]));
  }

  /** @param {unknown} state as `export` gives it */
  async import(state) {
    const file = join(this.places.local, `${this.shortName}.${process.pid}.json`);
    writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    try {
      await this.ask(["stack", "import", "--stack", this.name, "--file", file]);
    } finally {
      rmSync(file);
    }
  }

  /**
   * The id of the container that is the stack's host, if it is one (servers/container/server.ts) and the state is here.
   * @returns {string | undefined}
   */
  container() {
    if (!existsSync(this.checkpoint)) return undefined;
    /** @type {{ urn: string, outputs?: { stdout?: string } }[]} */
    const resources = JSON.parse(readFileSync(this.checkpoint, "utf8")).checkpoint?.latest?.resources ?? [];
    return resources.find(({ urn }) => urn.endsWith("ContainerServer$command:local:Command::server"))?.outputs?.stdout;
  }

  /** @returns {Promise<Record<string, unknown>>} */
  async outputs() {
    return JSON.parse(await this.ask(["stack", "output", "--json", "--stack", this.name]));
  }

  /** How many resources the stack still has, without the stack itself and its providers. */
  async resourceCount() {
    const { deployment } = await this.export();
    /** @type {{ type: string }[]} */
    const resources = deployment?.resources ?? [];
    return resources.filter(({ type }) => type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:"))
      .length;
  }

  /** Removes an empty stack and all that was made for it, and nothing that was there before. */
  async remove() {
    await this.ask(["stack", "rm", "--yes", "--preserve-config", "--remove-backups", "--stack", this.name]);
    this.removeTraces();
  }

  removeTraces() {
    const made = existsSync(this.note) ? readFileSync(this.note, "utf8") : undefined;
    if (made === "made") rmSync(this.settings, { force: true });
    if (made === "salted" && existsSync(this.settings)) {
      const settings = this.readSettings();
      const kept = withoutSalt(settings);
      if (kept !== settings) writeFileSync(this.settings, kept);
    }
    rmSync(this.note, { force: true });
    rmSync(join(this.places.servers, this.shortName), { recursive: true, force: true });
  }

  readSettings() {
    return readFileSync(this.settings, "utf8");
  }

  /**
   * Runs a command for its answer.
   * @param {string[]} args
   */
  async ask(args) {
    const options = /** @type {const} */ ({ cwd: this.root, env: this.env, output: "take" });
    const { code, stdout, stderr } = await run(this.engine, ["--non-interactive", ...args], options);
    if (code === 0) return stdout;
    throw (
      explain(stderr, this.root, this.name) ??
      new UserError(`'pulumi ${args.join(" ")}' failed (exit code ${code}): ${stderr.trim()}`)
    );
  }
}

/** What the settings' secrets are read with: of a passphrase, or of a cloud's key. */
const saltLine = /^encrypt(ionsalt|edkey):.*(\n|$)/m;

/** @param {string} settings */
export function secretsProvider(settings) {
  return /^secretsprovider:\s*["']?([^\s"'#]+)/m.exec(settings)?.[1];
}

/**
 * Takes away the line that `stack init` adds, unless the settings hold secrets, which are lost without it.
 * @param {string} settings
 */
export function withoutSalt(settings) {
  return /^\s+(- )?"?secure"?:/m.test(settings) ? settings : settings.replace(saltLine, "");
}

/** @typedef {{ type: string, resource: { type: string } }} PendingOperation */

/** @param {PendingOperation} operation */
export function isRepeatable({ resource }) {
  return /^(command:(remote|local)|random:index\/\w+):/.test(resource.type);
}

/** @param {string} type */
function isOnServer(type) {
  return type.startsWith("command:remote:");
}

/** @param {string} name */
export function shortName(name) {
  return name.split("/").at(-1) ?? name;
}

/** @param {string} pulumiYaml */
export function projectName(pulumiYaml) {
  const name = /^name:\s*["']?([\w.-]+)/m.exec(pulumiYaml)?.[1];
  if (!name) throw new UserError("Pulumi.yaml has no 'name'.", "Restore it: git checkout Pulumi.yaml");
  return name;
}

/**
 * The engine's errors that need more than the engine says.
 * @param {string} stderr
 * @param {string} root
 * @param {string} stack
 */
export function explain(stderr, root, stack) {
  if (/incorrect passphrase|passphrase must be set/.test(stderr)) {
    return new UserError(
      "The passphrase is not the one this stack was made with; nothing was touched.",
      whatToDo(root),
    );
  }
  return lockError(stderr, stack);
}

/** @param {string} command */
function whereNext(command) {
  return command === "preview"
    ? "Nothing was touched."
    : "The reason is above. What was done so far is kept: correct the cause and run the same command again.";
}
