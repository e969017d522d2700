// A stack on the double of AWS (test/cloud): the genuine engine, the product's program, instances as containers.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { environment, fileBackendUrl } from "../../toolchain/environment.mjs";
import { type Account, Cloud, type Fault } from "../cloud/account.mjs";
import { writeShapes } from "../cloud/shapes";
import { root, Workspace } from "./engine";

const run = promisify(execFile);

/** What the program may use; anything else is an error of the double. */
export const tokens = [
  ...["ec2/eip:Eip", "ec2/instance:Instance", "ec2/keyPair:KeyPair", "ec2/securityGroup:SecurityGroup"],
  ...["iam/instanceProfile:InstanceProfile", "iam/role:Role", "iam/rolePolicyAttachment:RolePolicyAttachment"],
  ...["ec2transitgateway/instanceState:InstanceState", "route53/record:Record"],
  ...["ec2/getAmi:getAmi", "ec2/getAmiIds:getAmiIds", "ec2/getInstanceType:getInstanceType", "ec2/getSubnet:getSubnet"],
  ...["ec2/getRouteTable:getRouteTable", "route53/getZone:getZone"],
].map((token) => `aws:${token}`);

export const officialImage = {
  id: "ami-00000000000000001",
  owner: "136693071363",
  name: "debian-12-amd64-20240201-1644",
  architecture: "x86_64",
  platform: "",
};
const publicSubnet = "subnet-00000000000000001";
const privateSubnet = "subnet-00000000000000002";
export const subnets = { publicSubnet, privateSubnet };

/** Ports 22 and 80 of addresses of this machine, as AWS has them, are root's. */
export const canRun = process.getuid?.() === 0 && process.platform === "linux";

/** A stack of the product on the double, with an account of its own. */
export class CloudStack extends Workspace {
  private constructor(
    projectDir: string,
    readonly cloud: Cloud,
  ) {
    super({
      projectDir,
      stack: "dev",
      env: {
        PULUMI_BACKEND_URL: fileBackendUrl(join(projectDir, ".local/state")),
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        ...variablesOf(cloud),
      },
    });
    this.isTemporary = true;
  }

  static async make(): Promise<CloudStack> {
    const projectDir = await mkdtemp(join(tmpdir(), "uwsgi-nginx-aws-"));
    await mkdir(join(projectDir, ".local/state"), { recursive: true });
    for (const name of await readdir(root)) {
      if (!/^(\.git|\.local|Pulumi\..+\.yaml)$/.test(name)) await symlink(join(root, name), join(projectDir, name));
    }
    const stack = new CloudStack(projectDir, await makeCloud(join(projectDir, ".local/cloud")));
    await stack.succeed("stack", "init", stack.stack);
    return stack;
  }

  /** Sets the stack's configuration, with what a server on AWS must have. */
  async configure(host: Readonly<Record<string, unknown>> = {}, app: Readonly<Record<string, unknown>> = {}) {
    const file = `Pulumi.${this.stack}.yaml`;
    const salt = /^encryptionsalt:.*\n/m.exec(await this.readFile(file))?.[0] ?? "";
    await this.writeFile(file, salt + devSettings(host, app));
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

  override async remove(): Promise<void> {
    await removeCloud(this.cloud);
    await super.remove();
  }
}

/** The settings of a stack, with what a server on AWS must have. */
export function devSettings(host: Readonly<Record<string, unknown>>, app: Readonly<Record<string, unknown>>): string {
  const caCertificates = process.env.SSL_CERT_FILE;
  const needed = { kind: "aws", platform: "debian12", region: "eu-central-1", sshCidrs: ["198.51.100.0/24"] };
  const values = {
    "uwsgi-nginx:host": { ...needed, ...(caCertificates ? { caCertificates } : {}), ...host },
    "uwsgi-nginx:apps": { hello: app },
  };
  return `config: ${JSON.stringify(values)}\n`;
}

/** Variables that make an engine use the account. */
export function variablesOf({ folder }: Cloud, path = environment(root).PATH) {
  return { AWS_DOUBLE: folder, PATH: `${join(folder, "bin")}:${path ?? ""}` };
}

/** A new account: one image, a default VPC, a public subnet and one that is not. */
export async function makeCloud(folder: string): Promise<Cloud> {
  await mkdir(join(folder, "bin"), { recursive: true, mode: 0o700 });
  writeShapes(tokens, join(root, ".local/aws-shapes.json"));
  await symlink(join(root, ".local/aws-shapes.json"), join(folder, "shapes.json"));
  const plugin = join(folder, "bin/pulumi-resource-aws");
  await writeFile(plugin, `#!/bin/sh\nexec node '${join(root, "test/cloud/pulumi-resource-aws.mjs")}' "$@"\n`);
  await chmod(plugin, 0o755);

  const cloud = new Cloud(folder);
  const account: Account = {
    client: "198.51.100.7",
    containers: await instanceContainers(),
    images: [officialImage],
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

/** Removes all that an account has, however its stack ended. The network notices that its folder is gone. */
export async function removeCloud(cloud: Cloud): Promise<void> {
  for (const id of Object.keys(cloud.account.instances)) cloud.terminate(id);
  await rm(cloud.folder, { recursive: true, force: true });
}

/** How an instance is run: as the tests' servers are, with cloud-init in the image. Built once. */
export async function instanceContainers(): Promise<Account["containers"]> {
  const file = join(root, ".local/containers.json");
  const containers = JSON.parse(await readFile(file, "utf8")) as Account["containers"];
  const recipe = join(root, "test/cloud/Containerfile");
  const hash = createHash("sha256")
    .update(containers.image)
    .update(await readFile(recipe));
  const built = `localhost/uwsgi-nginx-host:cloud-${hash.digest("hex").slice(0, 12)}`;
  const [engine = "", ...options] = containers.command;
  await run(engine, [...options, "image", "inspect", built]).catch(() =>
    run(engine, [
      ...[...options, "build", "--tag", built, "--build-arg", `BASE=${containers.image}`, "--file", recipe],
      join(root, "test/cloud"),
    ]),
  );
  return { ...containers, image: built };
}
