import { createHash } from "node:crypto";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platforms";
import { script } from "../rendering/assets";
import { systemParameters, type Downloads } from "../rendering/downloads";
import { commandLine } from "../rendering/shell";
import { publicKeyOf } from "../rendering/sshKey";
import { sshdKeys } from "../rendering/tarArchive";
import type { Server } from "./server";
import { knownHostName, sshOptions, writeLoginFiles } from "./loginFiles";
import { makeKey } from "./stackKey";

/** How containers are run on this machine, as `npm start` found out (toolchain/containers.mjs). */
export interface Containers {
  /** The engine with its global options. */
  command: string[];
  /** Options of a container that boots systemd. */
  runOptions: string[];
  image: string;
}

export interface ContainerServerArgs {
  platform: Platform;
  containers: Containers;
  /** Image of the server, with systemd, if not the one that the toolchain has made. */
  image?: string;
  /** Archive or folder with its root file system, instead of an image. */
  rootFilesystem?: string;
  downloads: Downloads;
  /** Port on 127.0.0.1 that leads to the container's port 80. */
  httpPort: number;
  /** Port on 127.0.0.1 that leads to the container's sshd. */
  sshPort: number;
  /** Private key to log in with, OpenSSH format. Default: one made for the stack. */
  privateKey?: string;
}

const address = "127.0.0.1";

/** A server in a container on the machine that runs Pulumi, reachable on 127.0.0.1 only. */
export class ContainerServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  readonly loginUser = "root";
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort: number;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly machine: pulumi.Resource;

  constructor(name: string, args: ContainerServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:ContainerServer", name, {}, opts);
    const { platform, containers, rootFilesystem, downloads, httpPort, sshPort } = args;

    const hostKey = makeKey(`${name}-host-key`, { parent: this });
    const key = args.privateKey
      ? { privateKey: pulumi.secret(args.privateKey), publicKey: pulumi.output(publicKeyOf(args.privateKey)) }
      : makeKey(`${name}-login-key`, { parent: this });
    // Named after the key, so that a run that was cut off finds its own container again and no other.
    const containerName = hostKey.publicKey.apply(containerNameOf);

    const run = (...words: string[]) => commandLine(["bash", "assets/scripts/container-server.sh", ...words]);
    const image = args.image ?? containers.image;
    const engine = containers.command;
    const runOptions = [...containers.runOptions, ...platform.container.runOptions];
    const words = Object.entries({
      image: rootFilesystem ? "" : image,
      root_filesystem: rootFilesystem ?? "",
      needs_cgroup_v1: String(platform.container.needsCgroupV1),
      ssh_port: String(sshPort),
      http_port: String(httpPort),
    }).map(([key, value]) => `${key}=${value}`);
    const { command: firstProcess } = platform.container;
    // The toolchain's own image is a server already.
    const setUp =
      args.image === undefined && rootFilesystem === undefined
        ? ""
        : script("set-up-container.sh", {
            parts: ["system.sh", platform.packages.script, "downloads.sh"],
            parameters: {
              ...systemParameters(platform),
              ...downloads.packages,
              ...downloads.files,
              packages: platform.container.packages.join(" "),
            },
          });
    const container = new command.local.Command(
      name,
      {
        create: containerName.apply((it) =>
          run(
            "up",
            `stack=${pulumi.getStack()}`,
            `name=${it}`,
            ...words,
            ...engine,
            "--",
            ...runOptions,
            "--",
            ...firstProcess,
          ),
        ),
        // Gets the container's id, which `up` printed, as PULUMI_COMMAND_STDOUT: a replaced one has the name of the new.
        delete: run("down", ...engine),
        // What makes it another server is among the triggers; a change of anything else only keeps the id.
        update: `printf '%s\\n' "$PULUMI_COMMAND_STDOUT"`,
        triggers: [...words, ...runOptions, ...firstProcess, key.publicKey, hostKey.publicKey],
        stdin: pulumi
          .all([key.publicKey, hostKey.privateKey])
          .apply(([login, own]) => `${sshdKeys(login, own)}\n${setUp}`),
      },
      { parent: this },
    );

    const files = writeLoginFiles(
      name,
      {
        privateKey: key.privateKey,
        knownHost: pulumi.interpolate`${knownHostName(address, sshPort)} ${hostKey.publicKey}`,
      },
      this,
    );

    this.platform = platform;
    this.httpPort = httpPort;
    this.address = pulumi.output(address);
    this.machine = container;
    this.identity = container.id;
    this.connection = pulumi.output({
      host: address,
      port: sshPort,
      user: this.loginUser,
      privateKey: key.privateKey,
      hostKey: hostKey.publicKey,
    });
    this.sshCommand = pulumi.output(
      commandLine([
        ...["ssh", "-p", String(sshPort)],
        // Whole paths, so that the line works in every folder of this machine, which is the only one it works on.
        ...sshOptions(files, (file) => path.resolve(file)),
        `root@${address}`,
      ]),
    );
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

function containerNameOf(publicKey: string): string {
  const suffix = createHash("sha256").update(publicKey).digest("hex").slice(0, 8);
  return `${pulumi.getProject()}-${pulumi.getStack()}-${suffix}`;
}
