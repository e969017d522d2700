// A copy of this checkout in a folder of its own, used as a newcomer does: with npm, from the command line.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { keepServer } from "./containers";
import { type Run, type StartedRun } from "./engine";
import { root } from "./root";
import { release, type Source, watch } from "./failures";
import { freePort, type Settings } from "./product";

const run = promisify(execFile);

/** The newcomer has no stacks elsewhere. Caches stay, so that nothing is built twice. */
const environment = Object.fromEntries(
  Object.entries({ ...process.env, NO_COLOR: "1" }).filter(([name]) => !/^PULUMI_(BACKEND_URL|CONFIG_)/.test(name)),
);

/** A stack's settings. */
const isSettings = (name: string) => /^Pulumi\..+\.yaml$/.test(name);

export class Checkout implements Source {
  private readonly children = new Set<ChildProcess>();
  /** Commands and what they have printed, for a test that fails. */
  private readonly log: { readonly words: readonly string[]; readonly printed: () => string }[] = [];

  private constructor(
    readonly folder: string,
    readonly httpPort: number,
    readonly sshPort: number,
    private readonly env: NodeJS.ProcessEnv,
    private readonly server: Settings,
  ) {
    watch(this);
  }

  /**
   * The files that git would take but for the settings of stacks, with settings that choose free ports. `env` is on top of
   * the newcomer's environment, and `server` has further settings of the server.
   */
  static async copy(env: NodeJS.ProcessEnv = {}, server: Settings = {}): Promise<Checkout> {
    // In a folder of its own, which may get a neighbour.
    const folder = join(await realpath(await mkdtemp(join(tmpdir(), "uwsgi-nginx-checkout-"))), "project");
    await mkdir(folder);
    const { stdout } = await run("git", ["ls-files", "-z", "-co", "--exclude-standard"], { cwd: root });
    for (const name of stdout.split("\0").filter((file) => file !== "" && !isSettings(file))) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      // A file that is deleted and not yet committed is listed too.
      await copyFile(join(root, name), join(folder, name)).catch(() => undefined);
    }
    const checkout = new Checkout(folder, await freePort(), await freePort(), { ...environment, ...env }, server);
    await checkout.configure({});
    return checkout;
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}/`;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), "utf8");
  }

  /** Sets the stack's settings for the app, as if Pulumi.local.yaml had been edited. Returns the file's text. */
  configure(app: Settings, server: Settings = {}): Promise<string> {
    return this.configureApps({ hello: app }, server);
  }

  /** The same for all of its apps. */
  async configureApps(apps: Settings, server: Settings = {}): Promise<string> {
    const salt = /^encryptionsalt:.*\n/m.exec(await this.read("Pulumi.local.yaml").catch(() => ""))?.[0] ?? "";
    const values = {
      "uwsgi-nginx:server": { httpPort: this.httpPort, sshPort: this.sshPort, ...this.server, ...server },
      "uwsgi-nginx:apps": apps,
    };
    const text = `config: ${JSON.stringify(values)}\n`;
    await writeFile(this.path("Pulumi.local.yaml"), text + salt);
    return text;
  }

  /** `npm run COMMAND`, without a terminal. */
  npm(...args: string[]): StartedRun {
    return this.start("npm", ["run", "--silent", ...args]);
  }

  /** The same on a terminal, where `type` types: "\x03" is Ctrl-C. */
  terminal(...args: string[]): StartedRun & { type: (text: string) => void } {
    const command = ["npm", "run", "--silent", ...args].map((word) => `'${word}'`).join(" ");
    const started = this.start("script", ["-qefc", command, "/dev/null"], { stdin: "pipe" });
    return { ...started, type: (text) => void started.child.stdin?.write(text) };
  }

  bash(script: string, env: NodeJS.ProcessEnv = {}): StartedRun {
    return this.start("bash", ["-c", script], { env });
  }

  private start(
    command: string,
    args: readonly string[],
    { stdin = "ignore", env = {} }: { stdin?: "ignore" | "pipe"; env?: NodeJS.ProcessEnv } = {},
  ): StartedRun {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: [stdin, "pipe", "pipe"],
    });
    this.children.add(child);
    const parts = { stdout: "", stderr: "", output: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (chunk: string) => {
        parts[stream] += chunk;
        parts.output += chunk;
      });
    }
    const ended = new Promise<Run>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        this.children.delete(child);
        resolve({ code, ...parts });
      });
    });
    const printed = () => parts.output;
    this.log.push({ words: [command, ...args], printed });
    return { child, ended, printed };
  }

  async keep(folder: string): Promise<void> {
    const log = this.log.map(({ words, printed }) => `$ ${words.join(" ")}\n${printed()}\n`).join("\n");
    await writeFile(join(folder, "commands.log"), log);
    for (const name of [...(await readdir(this.folder)).filter(isSettings), ".local/logs", ".local/state"]) {
      await cp(this.path(name), join(folder, name), { recursive: true }).catch(() => undefined);
    }
    for (const id of await this.containers().catch(() => [])) await keepServer(id, join(folder, "server"));
  }

  /** The container engine that `npm start` has found, with its options. */
  async engine(...args: string[]): Promise<string> {
    const { command } = JSON.parse(await this.read(".local/containers.json")) as { command: [string, ...string[]] };
    const [engine, ...options] = command;
    return (await run(engine, [...options, ...args])).stdout.trim();
  }

  /** Ids of the containers that belong to this copy, running or not. */
  async containers(): Promise<string[]> {
    const filter = `label=uwsgi-nginx.folder=${this.folder}`;
    return (await this.engine("ps", "--all", "--quiet", "--no-trunc", "--filter", filter)).split("\n").filter(Boolean);
  }

  /** Ends what is under way and removes the copy with its containers, however the test ended. */
  async remove(): Promise<void> {
    await release(this);
    await Promise.all(
      [...this.children].map((child) => {
        const gone = new Promise((resolve) => child.once("close", resolve));
        child.kill("SIGTERM");
        return gone;
      }),
    );
    const left = await this.containers().catch(() => []);
    if (left.length > 0) await this.engine("rm", "--force", "--time", "0", "--volumes", ...left);
    await rm(dirname(this.folder), { recursive: true, force: true, maxRetries: 5 });
  }
}
