// The product itself, in a project folder of its own: its own state, stacks and settings, the checkout's files.
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdirSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { fileBackendUrl } from "../../toolchain/engine/environment";
import { keepServer, removeContainersOf } from "./containers";
import { type Run, Workspace } from "./engine";
import { root } from "./root";
import { release } from "./failures";
import { Plugins } from "./plugins";
import { compileProgram, linkProgram } from "./program";

const run = promisify(execFile);

type Environment = Readonly<Record<string, string | undefined>>;
interface ProductOptions {
  readonly stack?: string;
  readonly env?: Environment;
  /** Run the program from its sources and start the plugins each time, as for users, though that takes seconds longer. */
  readonly fromSource?: boolean;
}
export type Settings = Readonly<Record<string, unknown>>;

/** A stack of the product with a container as its server, on free ports. */
export class Product extends Workspace {
  readonly httpPort: number;
  readonly sshPort: number;
  private sshCommand: string | undefined;
  /** A run that is broken off must leave no container behind. */
  private readonly atExit = () => {
    removeContainersOf(this.projectDir);
  };
  /** Whether an `up` may have made some: none are left after a destroy. */
  hasResources = false;
  /** Settings and apps' files that are live, and whether an `up` since has failed. */
  private live: { readonly what: string; readonly isComplete: boolean } | undefined;

  private constructor(projectDir: string, stack: string, ports: readonly [number, number], env: Environment) {
    super({
      projectDir,
      stack,
      env: {
        PULUMI_BACKEND_URL: fileBackendUrl(join(projectDir, ".local/state")),
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        ...env,
      },
    });
    [this.httpPort, this.sshPort] = ports;
    process.once("exit", this.atExit);
  }

  /** A project folder with a new stack; nothing runs yet. `env` is on top of the engine's environment. */
  static async make(
    settings: Settings = {},
    { stack = "test", env = {}, fromSource = false }: ProductOptions = {},
  ): Promise<Product> {
    const projectDir = await mkdtemp(join(tmpdir(), "uwsgi-nginx-test-"));
    await mkdir(join(projectDir, ".local/state"), { recursive: true });
    const program = fromSource ? await linkProgram(projectDir) : await compileProgram(projectDir);
    await copyFile(join(root, ".local/containers.json"), join(projectDir, ".local/containers.json"));
    const ports = [await freePort(), await freePort()] as const;
    const product = new Product(projectDir, stack, ports, { ...program, ...env });
    if (!fromSource) product.plugins = new Plugins(projectDir, ["command", "random"]);
    product.isTemporary = true;
    await product.succeed("stack", "init", product.stack);
    await product.configure(settings);
    return product;
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}/`;
  }

  /** Sets the stack's whole configuration, as if Pulumi.STACK.yaml had been edited; a container gets its ports. */
  async configure(settings: Settings): Promise<void> {
    const given = settings.server as Settings | undefined;
    const server = given?.kind === "ssh" ? given : { httpPort: this.httpPort, sshPort: this.sshPort, ...given };
    const values = Object.entries({ ...settings, server }).map(([key, value]) => [`uwsgi-nginx:${key}`, value]);
    const file = `Pulumi.${this.stack}.yaml`;
    // The salt is the engine's. JSON is YAML.
    const salt = /^encryptionsalt:.*\n/m.exec(await this.readFile(file))?.[0] ?? "";
    await this.writeFile(file, `${salt}config: ${JSON.stringify(Object.fromEntries(values))}\n`);
  }

  /**
   * Makes these settings live, with the apps' files as they are: where a scenario starts from. Nothing runs if they are
   * live already.
   */
  async deployed(settings: Settings): Promise<void> {
    await this.configure(settings);
    if (this.live?.isComplete !== true || this.live.what !== (await this.fingerprint())) await this.up();
  }

  /** The same for a scenario that does not mind that an `up` since has failed, which has left these live. */
  async serving(settings: Settings): Promise<void> {
    await this.configure(settings);
    if (this.live?.what !== (await this.fingerprint())) await this.up();
  }

  /** Whether an `up` has made something live. */
  get isLive(): boolean {
    return this.live !== undefined;
  }

  override async up(...args: string[]): Promise<Run> {
    this.live = undefined;
    this.hasResources = true;
    const run = await super.up(...args);
    if (!args.includes("--target")) this.live = { what: await this.fingerprint(), isComplete: true };
    return run;
  }

  override async failUp(...args: string[]): Promise<Run> {
    if (this.live) this.live = { ...this.live, isComplete: false };
    this.hasResources = true;
    return super.failUp(...args);
  }

  override async destroy(...args: string[]): Promise<Run> {
    this.live = undefined;
    const run = await super.destroy(...args);
    this.hasResources = false;
    return run;
  }

  /** The stack's settings, and the files of its apps. */
  private async fingerprint(): Promise<string> {
    const settings = await this.readFile(`Pulumi.${this.stack}.yaml`);
    const folders = [...settings.matchAll(/"source":"(apps\/[^"]+)"/g)].map(([, folder]) => folder ?? "");
    const files = folders.flatMap((folder) =>
      readdirSync(join(this.projectDir, folder), { recursive: true, withFileTypes: true })
        .filter((it) => it.isFile())
        .map((it) => relative(this.projectDir, join(it.parentPath, it.name))),
    );
    return [settings, ...(await Promise.all(files.sort().map((file) => this.readFile(file))))].join("\0");
  }

  /** A folder with an app's code, inside the project. Returns the setting `source`. */
  async writeApp(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join("apps", name);
    await mkdir(join(this.projectDir, folder), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.projectDir, folder, file)), { recursive: true });
      await writeFile(join(this.projectDir, folder, file), text);
    }
    return folder;
  }

  /** Runs a bash script on the server as a user would, with the command line that the stack's outputs give. */
  async ssh(script: string): Promise<string> {
    this.sshCommand ??= (await this.outputs()).sshCommand as string;
    const words = ["-c", `${this.sshCommand} "$1"`, "ssh", script];
    const { stdout } = await run("bash", words, { cwd: this.projectDir, encoding: "utf8" });
    return stdout.trim();
  }

  /** What the container engine prints. */
  async engine(...args: string[]): Promise<string> {
    const { command } = JSON.parse(await this.readFile(".local/containers.json")) as { command: [string, ...string[]] };
    const [engine, ...options] = command;
    return (await run(engine, [...options, ...args])).stdout.trim();
  }

  /** Gives the server further options of the engine's `create`, if a container runs with them here. */
  async runWith(...options: string[]): Promise<boolean> {
    const file = ".local/containers.json";
    const containers = JSON.parse(await this.readFile(file)) as { runOptions: string[]; image: string };
    const runOptions = [...containers.runOptions, ...options];
    try {
      await this.engine("run", "--rm", ...runOptions, containers.image, "/bin/true");
    } catch {
      return false;
    }
    await this.writeFile(file, JSON.stringify({ ...containers, runOptions }));
    return true;
  }

  /** Ids of the stack's containers, by the labels that they are given, running or not. */
  async containers(): Promise<string[]> {
    const filter = ["--filter", `label=uwsgi-nginx.folder=${this.projectDir}`];
    return (await this.engine("ps", "--all", "--quiet", ...filter)).split("\n").filter(Boolean);
  }

  /** Runs a shell script on the server as root, but not over SSH. */
  async exec(text: string): Promise<string> {
    const [id = ""] = await this.containers();
    return this.engine("exec", id, "sh", "-ec", text);
  }

  override async keep(folder: string): Promise<void> {
    await super.keep(folder);
    for (const id of await this.containers()) await keepServer(id, join(folder, "server"));
  }

  /** Removes what is left: the server, however the test ended, and the project. */
  override async remove(): Promise<void> {
    await release(this);
    process.off("exit", this.atExit);
    removeContainersOf(this.projectDir);
    await super.remove();
  }
}

/**
 * A TCP port on 127.0.0.1 that nobody uses at the moment, and that the system gives to nobody who asks for any port: its own
 * choice begins at 32768 (ip(7), ip_local_port_range).
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
