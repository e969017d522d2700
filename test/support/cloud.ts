// A stack on the fake AWS (test/fakes/aws): the genuine engine, the product's program, instances as containers.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type PlatformName, platforms } from "../../platforms";
import { environment, fileBackendUrl } from "../../toolchain/engine/environment";
import { type Account, Cloud, type Fault } from "../fakes/aws/account.mjs";
import { writeShapes } from "../fakes/aws/shapes";
import { keepServer, readContainers } from "./containers";
import { el7Image } from "./el7";
import { type Run, Workspace } from "./engine";
import { root } from "./root";
import { release } from "./failures";
import { facts, withoutOverrides } from "./platforms";
import { Plugins } from "./plugins";
import { preparedImage } from "./preparedImage";
import { compileProgram } from "./program";

const run = promisify(execFile);

/** What the program may use; anything else is an error of the fake. */
export const tokens = [
  ...["ec2/eip:Eip", "ec2/instance:Instance", "ec2/keyPair:KeyPair", "ec2/securityGroup:SecurityGroup"],
  ...["iam/instanceProfile:InstanceProfile", "iam/role:Role", "iam/rolePolicy:RolePolicy"],
  ...["ec2transitgateway/instanceState:InstanceState", "route53/record:Record"],
  ...["ec2/getAmi:getAmi", "ec2/getAmiIds:getAmiIds", "ec2/getInstanceType:getInstanceType", "ec2/getSubnet:getSubnet"],
  ...["ec2/getRouteTable:getRouteTable", "route53/getZone:getZone"],
].map((token) => `aws:${token}`);

export type System = PlatformName;

export const officialImage = { ...facts.debian12.awsImage, architecture: "x86_64", platform: "" };
const publicSubnet = "subnet-00000000000000001";
const privateSubnet = "subnet-00000000000000002";
export const subnets = { publicSubnet, privateSubnet };

/** Ports 22 and 80 of addresses of this machine, as AWS has them, are root's. */
export const canRun = process.getuid?.() === 0 && process.platform === "linux";

/** A stack of the product on the fake, with an account of its own. */
export class CloudStack extends Workspace {
  /** The settings of the last `up`, if it succeeded. */
  private live: string | undefined;

  private constructor(
    projectDir: string,
    readonly cloud: Cloud,
    readonly system: System,
    program: Readonly<Record<string, string>>,
  ) {
    super({
      projectDir,
      stack: "dev",
      env: {
        PULUMI_BACKEND_URL: fileBackendUrl(join(projectDir, ".local/state")),
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        ...withoutOverrides,
        ...variablesOf(cloud),
        ...program,
      },
    });
    this.isTemporary = true;
    this.plugins = new Plugins(projectDir, ["aws", "command", "random"]);
  }

  /** @param system what its server runs */
  static async make(system: System = "debian12"): Promise<CloudStack> {
    const projectDir = await mkdtemp(join(tmpdir(), "uwsgi-nginx-aws-"));
    await mkdir(join(projectDir, ".local/state"), { recursive: true });
    const program = await compileProgram(projectDir);
    const cloud = await makeCloud(join(projectDir, ".local/cloud"), system);
    const stack = new CloudStack(projectDir, cloud, system, program);
    await stack.succeed("stack", "init", stack.stack);
    return stack;
  }

  /** Sets the stack's configuration, with what a server on AWS must have. */
  async configure(
    server: Readonly<Record<string, unknown>> = {},
    app: Readonly<Record<string, unknown>> = {},
    system = this.system,
  ) {
    const file = `Pulumi.${this.stack}.yaml`;
    const salt = /^encryptionsalt:.*\n/m.exec(await this.readFile(file))?.[0] ?? "";
    await this.writeFile(file, salt + devSettings(server, app, system));
  }

  /** Makes these settings live, where they are not: what a scenario starts from. */
  async deployed(...settings: Parameters<CloudStack["configure"]>): Promise<void> {
    await this.configure(...settings);
    if (this.live !== (await this.readFile(`Pulumi.${this.stack}.yaml`))) await this.up("--refresh");
  }

  override async up(...args: string[]): Promise<Run> {
    this.live = undefined;
    const run = await super.up(...args);
    this.live = await this.readFile(`Pulumi.${this.stack}.yaml`);
    return run;
  }

  override failUp(...args: string[]): Promise<Run> {
    this.live = undefined;
    return super.failUp(...args);
  }

  override destroy(...args: string[]): Promise<Run> {
    this.live = undefined;
    return super.destroy(...args);
  }

  /** Makes the next requests of this kind fail. */
  fail(operation: string, error: string, times = 1): void {
    this.cloud.change(({ faults }) => faults.push({ operation, error, times } satisfies Fault));
  }

  /** Ids of the instances that live. */
  instances(): string[] {
    return Object.entries(this.cloud.account.instances)
      .filter(([, { state }]) => state !== "terminated")
      .map(([id]) => id);
  }

  override async keep(folder: string): Promise<void> {
    await super.keep(folder);
    await keepCloud(this.cloud, folder);
  }

  override async remove(): Promise<void> {
    await release(this);
    await removeCloud(this.cloud);
    await super.remove();
  }
}

/** The settings of a stack, with what a server on AWS must have. */
export function devSettings(
  server: Readonly<Record<string, unknown>>,
  app: Readonly<Record<string, unknown>>,
  system: System = "debian12",
): string {
  const caCertificates = process.env.SSL_CERT_FILE;
  const needed = { kind: "aws", platform: system, region: "eu-central-1", sshCidrs: ["198.51.100.0/24"] };
  const values = {
    "uwsgi-nginx:server": {
      ...needed,
      ...facts[system].awsSettings.server,
      ...(caCertificates ? { caCertificates } : {}),
      ...server,
    },
    "uwsgi-nginx:apps": { hello: { ...facts[system].awsSettings.app, ...app } },
  };
  return `config: ${JSON.stringify(values)}\n`;
}

/** Variables that make an engine use the account. */
export function variablesOf({ folder }: Cloud, path = environment(root).PATH) {
  return { FAKE_AWS: folder, PATH: `${join(folder, "bin")}:${path ?? ""}` };
}

/** The dev stack's own system where there is a fake of it, or else Debian. */
export async function devSystem(): Promise<System> {
  return "image" in (await el7Image()) ? "centos7" : "debian12";
}

/** A new account: one image, a default VPC, a public subnet and one that is not. */
export async function makeCloud(folder: string, system: System = "debian12"): Promise<Cloud> {
  await mkdir(join(folder, "bin"), { recursive: true, mode: 0o700 });
  writeShapes(tokens, join(root, ".local/aws-shapes.json"));
  await symlink(join(root, ".local/aws-shapes.json"), join(folder, "shapes.json"));
  await symlink(join(root, "test/fakes/aws/network.mjs"), join(folder, "network.mjs"));
  const plugin = join(folder, "bin/pulumi-resource-aws");
  const start = `node '${join(root, "toolchain/offline/start.mjs")}' '${join(root, "test/fakes/aws/pulumi-resource-aws.mjs")}'`;
  await writeFile(plugin, `#!/bin/sh\nexec ${start} "$@"\n`);
  await chmod(plugin, 0o755);

  const cloud = new Cloud(folder);
  const { command, runOptions } = await readContainers();
  const account: Account = {
    client: "198.51.100.7",
    containers: { command: [...command], runOptions: [...runOptions] },
    images: [await officialImageOf(system)],
    instanceTypes: { "t3.micro": ["i386", "x86_64"], "t3.small": ["i386", "x86_64"], "t4g.small": ["arm64"] },
    subnets: {
      [publicSubnet]: { vpcId: "vpc-1", ipv6CidrBlock: "" },
      [privateSubnet]: { vpcId: "vpc-1", ipv6CidrBlock: "", routeTable: "rtb-2" },
    },
    routeTables: {
      "rtb-1": { vpcId: "vpc-1", main: true, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }] },
      "rtb-2": { vpcId: "vpc-1", main: false, routes: [] },
    },
    zones: { "example.org": "Z1" },
    faults: [],
    instances: {},
    groups: {},
    keyPairs: {},
    addresses: {},
    others: {},
  };
  await writeFile(cloud.file, JSON.stringify(account));
  return cloud;
}

/** Copies what an account holds, and what its instances can tell. */
export async function keepCloud(cloud: Cloud, folder: string): Promise<void> {
  await cp(cloud.file, join(folder, "account.json"));
  for (const [id, { container, state }] of Object.entries(cloud.account.instances)) {
    if (state === "running") await keepServer(container, join(folder, id));
  }
}

/** Removes all that an account has, however its stack ended. The network notices that its folder is gone. */
export async function removeCloud(cloud: Cloud): Promise<void> {
  for (const id of Object.keys(cloud.account.instances)) cloud.terminate(id);
  await rm(cloud.folder, { recursive: true, force: true });
}

/**
 * The official image of a system, with the container image that is run for it: a server of the tests, and cloud-init.
 * @param bare without the packages that a deployment installs, and its own script fails at the first boot
 */
export async function officialImageOf(system: System, bare = false): Promise<Account["images"][number]> {
  return { ...officialImage, ...facts[system].awsImage, container: await instanceImage(system, bare) };
}

/** Built once. */
async function instanceImage(system: System, bare: boolean): Promise<string> {
  const { command, image } = await readContainers();
  const el7 = system === "centos7" ? await el7Image() : undefined;
  if (el7 && "reason" in el7) throw new Error(el7.reason);
  const from = el7?.image ?? image;
  const server = { platform: system, ...facts[system].awsSettings.server };
  const base = bare ? from : await preparedImage(from, server, platforms[system]);
  const recipe = join(root, "test/fakes/aws", facts[system].awsContainerfile);
  const hash = createHash("sha256")
    .update(base)
    .update(await readFile(recipe));
  const built = `localhost/uwsgi-nginx-server:cloud-${hash.digest("hex").slice(0, 12)}`;
  const [engine, ...options] = command;
  await run(engine, [...options, "image", "inspect", built]).catch(() =>
    run(
      engine,
      [
        ...[...options, "build", "--tag", built, "--build-arg", `BASE=${base}`, "--file", recipe],
        ...(bare ? ["--build-arg", "FIRST_BOOT=false"] : []),
        join(root, "test/fakes/aws"),
      ],
      { maxBuffer: 1e8 },
    ),
  );
  return built;
}
