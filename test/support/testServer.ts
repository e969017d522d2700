// A throw-away server with systemd and sshd, in a container that only your computer can reach.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { script } from "../../rendering/assets";
import { planDownloads, systemParameters } from "../../rendering/downloads";
import { sshdKeys } from "../../rendering/tarArchive";
import { settingsSchema } from "../../settings/schema";
import { type Containers, containerName, feed, keepServer, readContainers } from "./containers";
import { root } from "./root";
import { release, type Source, watch } from "./failures";
import { type KeyPair, makeKey } from "./keys";
import type { TestPlatform } from "./platforms";
import { freePort } from "./product";
import { waitFor } from "./waitFor";

const run = promisify(execFile);

export interface TestServerOptions {
  /** Further ports of the server to publish on 127.0.0.1. */
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

export class TestServer implements Source {
  private static readonly running = new Set<TestServer>();

  private constructor(
    private readonly containers: Containers,
    readonly name: string,
    readonly connection: Connection,
    private readonly publishedPorts: ReadonlyMap<number, number>,
  ) {
    watch(this);
  }

  /** Made, started and answering. */
  static async start({ ports = [], sshdConfig = [] }: TestServerOptions = {}): Promise<TestServer> {
    const containers = await readContainers();
    const [engine, ...globals] = containers.command;
    const call = async (...args: string[]) => (await run(engine, [...globals, ...args])).stdout.trim();
    const name = containerName(containers);
    const inside = [22, ...ports];
    const publish = inside.flatMap((port) => ["--publish", `127.0.0.1::${port}`]);
    const options = ["--name", name, "--label", "pulumi-test", ...containers.runOptions, ...publish];
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
      const server = new TestServer(containers, name, connection, published);
      TestServer.running.add(server);
      await waitFor("sshd", () => greets(connection.port));
      return server;
    } catch (error) {
      await call("rm", "--force", "--time", "0", name).catch(() => undefined);
      throw error;
    }
  }

  /**
   * A server with one of the systems that the tests run on, made as the product makes one. Its port 80 is published, and
   * all its users have the same key.
   * @param settings of a server that runs it
   * @param packages that it has besides
   */
  static async startWith(
    test: TestPlatform,
    settings: Readonly<Record<string, unknown>>,
    packages: readonly string[],
  ): Promise<TestServer> {
    const { platform } = test;
    const containers = await readContainers();
    const env: NodeJS.ProcessEnv = { ...process.env, ...test.env };
    const wanted = settingsSchema.parse({ server: settings }).server;
    const rootFilesystem = env[platform.container.rootFilesystemVariable ?? ""] ?? "";
    const image = (wanted.kind === "container" ? wanted.image : undefined) ?? containers.image;
    const downloads = planDownloads({ ...wanted, onYourComputer: true }, env);
    const setUp = script("set-up-container.sh", {
      parts: ["system.sh", platform.packages.script, "downloads.sh"],
      parameters: {
        ...systemParameters(platform),
        ...downloads.packages,
        ...downloads.files,
        packages: [...platform.container.packages, ...packages].join(" "),
      },
    });
    const [hostKey, userKey] = [makeKey(), makeKey()];
    const [ssh, http] = [await freePort(), await freePort()];
    const name = containerName(containers);
    const login = { user: "root", privateKey: userKey.private, hostKey: hostKey.public };
    const connection = { host: "127.0.0.1", port: ssh, ...login };
    const server = new TestServer(containers, name, connection, new Map([[80, http]]));
    TestServer.running.add(server);
    const words = {
      ...{ stack: "test", name, image: rootFilesystem === "" ? image : "", root_filesystem: rootFilesystem },
      ...{ needs_cgroup_v1: platform.container.needsCgroupV1, ssh_port: ssh, http_port: http },
    };
    await feed(
      [
        ...["bash", join(root, "assets/scripts/container-server.sh"), "up"],
        ...Object.entries(words).map(([key, value]) => `${key}=${String(value)}`),
        ...[...containers.command, "--", ...containers.runOptions, ...platform.container.runOptions],
        ...["--", ...platform.container.command],
      ],
      `${sshdKeys(userKey.public, hostKey.private)}\n${setUp}`,
    );
    const { package_config_file, ca_file, ca_bundle, ca_update } = { ...downloads.packages, ...downloads.files };
    await server.sh(`
      install -m 644 /root/.ssh/authorized_keys /etc/ssh/test_authorized_keys
      sed -i '1i AuthorizedKeysFile /etc/ssh/test_authorized_keys' /etc/ssh/sshd_config
      # Others have nothing of ours.
      rm -rf $(dirname ${package_config_file}) /var/cache/yum/uwsgi-nginx ${ca_file}
      find $(dirname ${ca_bundle}) -type l -lname ${ca_file} -delete
      ${ca_update} > /dev/null 2>&1
    `);
    return server;
  }

  /** The settings `server` of a stack that deploys to it. Its port 80 must be published. */
  get settings() {
    const { host, port, hostKey, privateKey } = this.connection;
    return { kind: "ssh", address: host, port, hostKey, privateKey, httpPort: this.port(80) };
  }

  /** Where a port of the server is on 127.0.0.1. */
  port(inside: number): number {
    const outside = this.publishedPorts.get(inside);
    if (outside === undefined) throw new Error(`port ${inside} was not published`);
    return outside;
  }

  /**
   * Runs a shell script on the server, not over SSH, and returns its output.
   * @param options of `exec`, such as --privileged
   */
  async sh(script: string, ...options: string[]): Promise<string> {
    const [engine, ...globals] = this.containers.command;
    const words = [...globals, "exec", ...options, this.name, "sh", "-ec", script];
    return (await run(engine, words, { maxBuffer: 1e8 })).stdout.trim();
  }

  /** Gives the server a folder of an image, such as what another one has compiled. */
  async copyFrom(image: string, folder: string): Promise<void> {
    const [engine, ...globals] = this.containers.command;
    const command = [engine, ...globals].join(" ");
    const copy = `
      id=$(${command} create ${image} true)
      trap '${command} rm "$id" > /dev/null' EXIT
      ${command} cp "$id:${folder}" - | ${command} cp - "${this.name}:$(dirname ${folder})"`;
    await this.sh(`mkdir -p ${dirname(folder)}`);
    await run("bash", ["-e", "-o", "pipefail", "-c", copy]);
  }

  /** Gives the server a folder of your computer. */
  async copyTo(folder: string, path: string): Promise<void> {
    const [engine, ...globals] = this.containers.command;
    await run(engine, [...globals, "cp", `${folder}/.`, `${this.name}:${path}`]);
  }

  keep(folder: string): Promise<void> {
    return keepServer(this.name, folder);
  }

  async stop(): Promise<void> {
    await release(this);
    TestServer.running.delete(this);
    const [engine, ...globals] = this.containers.command;
    await run(engine, [...globals, "rm", "--force", "--time", "0", this.name]);
  }

  /** For the end of a test file, which must clean up even what failed half-way. */
  static async stopAll(): Promise<void> {
    await Promise.all([...TestServer.running].map((server) => server.stop()));
  }
}

/** One host key, of the type that a user is told to pin, and one user who may log in. */
async function copySshFiles(
  call: (...args: string[]) => Promise<string>,
  name: string,
  hostKey: KeyPair,
  userKey: KeyPair,
  sshdConfig: readonly string[],
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "test-server-"));
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
