// A throw-away host with systemd and sshd, in a container that only this machine can reach.
import { execFile, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./engine";
import { type KeyPair, makeKey } from "./keys";
import { waitFor } from "./waitFor";

const run = promisify(execFile);

interface Containers {
  readonly command: readonly [string, ...string[]];
  readonly runOptions: readonly string[];
  readonly image: string;
}

export interface SshHostOptions {
  /** Further ports of the host to publish on 127.0.0.1. */
  readonly ports?: readonly number[];
  /** Further lines for sshd_config. */
  readonly sshdConfig?: readonly string[];
}

/** What to log in with, as @pulumi/command wants it. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
}

export class SshHost {
  private static readonly running = new Set<SshHost>();

  private constructor(
    private readonly containers: Containers,
    readonly name: string,
    readonly connection: Connection,
    private readonly publishedPorts: ReadonlyMap<number, number>,
  ) {}

  /** Made, started and answering. */
  static async start({ ports = [], sshdConfig = [] }: SshHostOptions = {}): Promise<SshHost> {
    const containers = await readContainers();
    const [engine, ...globals] = containers.command;
    const call = async (...args: string[]) => (await run(engine, [...globals, ...args])).stdout.trim();
    const name = `pulumi-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
    const inside = [22, ...ports];
    const publish = inside.flatMap((port) => ["--publish", `127.0.0.1::${port}`]);
    const options = ["--name", name, "--label", "pulumi-test", ...containers.runOptions, ...publish];
    // A run that is broken off must not leave the container behind either.
    const removeAtExit = () => {
      spawnSync(engine, [...globals, "rm", "--force", "--time", "0", name], { stdio: "ignore" });
    };
    process.once("exit", removeAtExit);
    try {
      await call("create", ...options, containers.image, "/sbin/init");
      const [hostKey, userKey] = [makeKey(), makeKey()];
      await copySshFiles(call, name, hostKey, userKey, sshdConfig);
      await call("start", name);
      const published = new Map<number, number>();
      for (const port of inside)
        published.set(port, Number((await call("port", name, String(port))).split(":").at(-1)));
      const connection = {
        host: "127.0.0.1",
        port: published.get(22) ?? 0,
        user: "root",
        privateKey: userKey.private,
        hostKey: hostKey.public,
      };
      const host = new SshHost(containers, name, connection, published);
      SshHost.running.add(host);
      await waitFor("sshd", () => greets(connection.port));
      return host;
    } catch (error) {
      await call("rm", "--force", "--time", "0", name).catch(() => undefined);
      throw error;
    }
  }

  /** Where a port of the host is to be found on 127.0.0.1. */
  port(inside: number): number {
    const outside = this.publishedPorts.get(inside);
    if (outside === undefined) throw new Error(`port ${inside} was not published`);
    return outside;
  }

  /**
   * Runs a shell script on the host, not over SSH, and gives what it prints.
   * @param options of `exec`, such as --privileged
   */
  async sh(script: string, ...options: string[]): Promise<string> {
    const [engine, ...globals] = this.containers.command;
    const words = [...globals, "exec", ...options, this.name, "sh", "-ec", script];
    return (await run(engine, words, { maxBuffer: 1e8 })).stdout.trim();
  }

  async stop(): Promise<void> {
    SshHost.running.delete(this);
    const [engine, ...globals] = this.containers.command;
    await run(engine, [...globals, "rm", "--force", "--time", "0", this.name]);
  }

  /** For the end of a test file, which must clean up even what failed half-way. */
  static async stopAll(): Promise<void> {
    await Promise.all([...SshHost.running].map((host) => host.stop()));
  }
}

async function readContainers(): Promise<Containers> {
  const file = join(root, ".local/containers.json");
  const text = await readFile(file, "utf8").catch(() => {
    throw new Error(`${file} is missing: \`npm start\` writes it`);
  });
  return JSON.parse(text) as Containers;
}

/** One host key, of the type that a user is told to pin, and one user who may log in. */
async function copySshFiles(
  call: (...args: string[]) => Promise<string>,
  name: string,
  hostKey: KeyPair,
  userKey: KeyPair,
  sshdConfig: readonly string[],
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "ssh-host-"));
  try {
    await chmod(folder, 0o755);
    await mkdir(join(folder, "sshd_config.d"));
    const config = [
      "HostKey /etc/ssh/test_host_key",
      "AuthorizedKeysFile /etc/ssh/test_authorized_keys .ssh/authorized_keys",
      "PermitRootLogin prohibit-password",
      ...sshdConfig,
    ];
    await writeFile(join(folder, "sshd_config.d/00-test.conf"), config.join("\n") + "\n");
    await writeFile(join(folder, "test_host_key"), hostKey.private, { mode: 0o600 });
    await writeFile(join(folder, "test_authorized_keys"), userKey.public + "\n", { mode: 0o644 });
    await call("cp", `${folder}/.`, `${name}:/etc/ssh/`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether an SSH server says who it is. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(2000, () => {
      socket.destroy(new Error("no greeting"));
    });
    socket.once("data", (greeting) => {
      socket.destroy();
      resolve(greeting.toString().startsWith("SSH-2.0-"));
    });
    socket.once("error", reject);
    socket.once("end", () => {
      resolve(false);
    });
  });
}
