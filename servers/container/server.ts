import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { platforms, type Platform } from "../../platforms";
import { script } from "../../rendering/assets";
import { systemParameters, type Downloads } from "../../rendering/downloads";
import { commandLine } from "../../rendering/shell";
import { sshdKeys } from "../../rendering/tarArchive";
import { createKey, loginKey, type LoginKey, type StackKey } from "../keys";
import type { ServerInputs } from "../kind";
import { knownHostName, sshOptions, writeLoginFiles } from "../loginFiles";
import type { Server } from "../server";
import type { ContainerSettings } from "./schema";
import { containerSource } from "./source";

/** How containers run on your computer, as `npm start` has found out. */
export interface Containers {
  /** The container engine with its global options. */
  command: string[];
  /** Options of a container that boots systemd. */
  runOptions: string[];
  image: string;
}

export interface ContainerServerArgs {
  platform: Platform;
  containers: Containers;
  /** Image of the server, with systemd. Default: the one that the toolchain has built. */
  image?: string;
  /** Archive or folder with the root file system, in place of an image. */
  rootFilesystem?: string;
  downloads: Downloads;
  /** Port on 127.0.0.1 that leads to the container's port 80. */
  httpPort: number;
  /** Port on 127.0.0.1 that leads to the container's sshd. */
  sshPort: number;
  /** Private key to log in with, OpenSSH format. Default: one that the stack creates. */
  privateKey?: string;
}

const address = "127.0.0.1";
const loginUser = "root";

export function createContainerServer(
  name: string,
  settings: ContainerSettings,
  { downloads }: ServerInputs,
): ContainerServer {
  return new ContainerServer(name, {
    ...settings,
    ...containerSource(settings),
    platform: platforms[settings.platform],
    containers: readContainers(),
    downloads,
  });
}

function readContainers(): Containers {
  try {
    return JSON.parse(fs.readFileSync(path.join(".local", "containers.json"), "utf8")) as Containers;
  } catch {
    throw new pulumi.RunError(
      "No container engine is set up on your computer yet. Nothing was changed.\nFix: run once: npm start",
    );
  }
}

/** A server in a container on your computer, reachable on 127.0.0.1 only. */
export class ContainerServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort: number;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly deletedWith: pulumi.Resource;

  constructor(name: string, args: ContainerServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:ContainerServer", name, {}, opts);
    const hostKey = createKey(`${name}-host-key`, { parent: this });
    const login = loginKey(`${name}-login-key`, args, { parent: this });
    const container = createContainer(name, args, { hostKey, login }, this);

    this.platform = args.platform;
    this.httpPort = args.httpPort;
    this.address = pulumi.output(address);
    this.deletedWith = container;
    this.identity = container.id;
    this.connection = pulumi.output({
      host: address,
      port: args.sshPort,
      user: loginUser,
      privateKey: login.privateKey,
      hostKey: hostKey.publicKey,
    });
    this.sshCommand = pulumi.output(manualLogin(name, args, { hostKey, login }, this));
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

interface Keys {
  hostKey: StackKey;
  login: LoginKey;
}

function createContainer(name: string, args: ContainerServerArgs, { hostKey, login }: Keys, parent: pulumi.Resource) {
  const { platform, containers } = args;
  const run = (...words: string[]) => commandLine(["bash", "assets/scripts/container-server.sh", ...words]);
  const engine = containers.command;
  const words = containerParameters(args);
  const runOptions = [...containers.runOptions, ...platform.container.runOptions];
  const firstProcess = platform.container.command;
  return new command.local.Command(
    name,
    {
      create: hostKey.publicKey
        .apply(containerName)
        .apply((it) =>
          run(
            ...["up", `stack=${pulumi.getStack()}`, `name=${it}`, ...words, ...engine],
            ...["--", ...runOptions, "--", ...firstProcess],
          ),
        ),
      // PULUMI_COMMAND_STDOUT is the container's id, which `up` prints. After a replacement the new one has the old name.
      delete: run("down", ...engine),
      // The triggers contain what makes it another server. A change of anything else only keeps the id.
      update: `printf '%s\\n' "$PULUMI_COMMAND_STDOUT"`,
      triggers: [...words, ...runOptions, ...firstProcess, login.publicKey, hostKey.publicKey],
      stdin: pulumi
        .all([login.publicKey, hostKey.privateKey])
        .apply(([publicKey, privateKey]) => `${sshdKeys(publicKey, privateKey)}\n${setUpScript(args)}`),
    },
    { parent },
  );
}

/** Derived from the host key, so that after an interrupted run the stack finds its own container again and no other. */
function containerName(publicKey: string): string {
  const suffix = createHash("sha256").update(publicKey).digest("hex").slice(0, 8);
  return `${pulumi.getProject()}-${pulumi.getStack()}-${suffix}`;
}

function containerParameters(args: ContainerServerArgs): string[] {
  const { platform, containers, image, rootFilesystem, httpPort, sshPort } = args;
  const parameters = {
    image: rootFilesystem ? "" : (image ?? containers.image),
    root_filesystem: rootFilesystem ?? "",
    needs_cgroup_v1: String(platform.container.needsCgroupV1),
    ssh_port: String(sshPort),
    http_port: String(httpPort),
  };
  return Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
}

/** Turns the container into a server. The toolchain's own image already is one. */
function setUpScript({ platform, image, rootFilesystem, downloads }: ContainerServerArgs): string {
  if (image === undefined && rootFilesystem === undefined) return "";
  return script("set-up-container.sh", {
    parts: ["system.sh", platform.packages.script, "downloads.sh"],
    parameters: {
      ...systemParameters(platform),
      ...downloads.packages,
      ...downloads.files,
      packages: platform.container.packages.join(" "),
    },
  });
}

/** The command line for a manual login; writes the files that it names. */
function manualLogin(
  name: string,
  { sshPort }: ContainerServerArgs,
  { hostKey, login }: Keys,
  parent: pulumi.Resource,
): string {
  const knownHost = pulumi.interpolate`${knownHostName(address, sshPort)} ${hostKey.publicKey}`;
  const files = writeLoginFiles(name, { privateKey: login.privateKey, knownHost }, parent);
  return commandLine([
    ...["ssh", "-p", String(sshPort)],
    // Absolute paths, so that the command works in every folder.
    ...sshOptions(files, (file) => path.resolve(file)),
    `${loginUser}@${address}`,
  ]);
}
