import * as ec2 from "@pulumi/aws/ec2";
import * as route53 from "@pulumi/aws/route53";
import * as pulumi from "@pulumi/pulumi";
import type { AwsArchitecture, Platform } from "../platforms";

export interface OnAws {
  parent: pulumi.Resource;
  provider: pulumi.ProviderResource;
}

export interface Launch {
  platform: Platform;
  region: string;
  instanceType: string;
  architecture: AwsArchitecture;
  /** The user's own image. */
  amiId?: string;
  subnetId?: string;
  dnsZone?: string;
}

/** Stands for the image where none was found: a server that is there keeps its own and does not need it. */
const noImage = "none-found";

/** The image of a new server: the user's own, or the platform's newest official one. */
export function imageOf(launch: Launch, onAws: OnAws): pulumi.Input<string> {
  if (launch.amiId !== undefined) return launch.amiId;
  const { owner, name } = officialImage(launch);
  return ec2
    .getAmiIdsOutput(
      { owners: [owner], filters: [{ name: "name", values: [name] }], includeDeprecated: true, sortAscending: false },
      onAws,
    )
    .ids.apply(([newest]) => newest ?? noImage);
}

/**
 * Looks, just before a server is made and in its preview, at what AWS would only tell after minutes, in its own words, or
 * never. It does not run for a server that is there, so it costs nothing then.
 */
export function lookBeforeLaunch(name: string, launch: Launch, onAws: OnAws): pulumi.ResourceHook {
  return lookHook(`${name}-look-before-launch`, "The server was not made", async ({ newInputs }) => {
    const findings = await Promise.all([
      imageFindings(String(newInputs?.ami), launch, onAws),
      subnetFindings(launch, onAws),
      zoneFindings(launch, onAws),
    ]);
    return findings.flat();
  });
}

/** The same before a server is changed: for another type it is stopped first, and a type that does not exist leaves it so. */
export function lookBeforeChange(name: string, launch: Launch, onAws: OnAws): pulumi.ResourceHook {
  return lookHook(`${name}-look-before-change`, "The server was not changed", async ({ oldInputs, newInputs }) => {
    const isSameType = oldInputs?.instanceType === newInputs?.instanceType;
    const type = isSameType ? undefined : await instanceType(launch, onAws);
    const [before, now] = [volumeSize(oldInputs), volumeSize(newInputs)];
    return [
      ...(typeof type === "string" ? [type] : []),
      ...(now < before
        ? [`its root volume has ${before} GiB and cannot shrink: set server.rootVolumeGib to that`]
        : []),
    ];
  });
}

function volumeSize(inputs: pulumi.ResourceHookArgs["newInputs"]): number {
  const { volumeSize: size } = (inputs?.rootBlockDevice ?? {}) as { volumeSize?: number };
  return Number(size);
}

/** A hook that refuses, in a preview too, what is found to be wrong. */
function lookHook(name: string, refusal: string, look: (args: pulumi.ResourceHookArgs) => Promise<string[]>) {
  return new pulumi.ResourceHook(
    name,
    async (args) => {
      const findings = await look(args);
      if (findings.length > 0) throw new Error([`${refusal}:`, ...findings.map((it) => `  - ${it}`)].join("\n"));
    },
    { onDryRun: true },
  );
}

/** @param ami may be another than the launch asks for: a server that is replaced keeps its image */
async function imageFindings(ami: string, launch: Launch, onAws: OnAws): Promise<string[]> {
  const { region, architecture, platform } = launch;
  if (ami === noImage) {
    const { owner, name } = officialImage(launch);
    return [
      `${region} has no image "${name}" of ${platform.title}'s account ${owner}: set server.amiId to one of your own, or server.region to another region`,
    ];
  }
  const [image, type] = await Promise.all([
    lookUp(
      () => ec2.getAmi({ filters: [{ name: "image-id", values: [ami] }], includeDeprecated: true }, onAws),
      `the image ${ami} in ${region}`,
      "set server.amiId to one that is there and that this account may use",
    ),
    instanceType(launch, onAws),
  ]);
  const found = [image, type].filter((it) => typeof it === "string");
  if (typeof image === "string" || typeof type === "string") return found;
  if (image.platform === "windows")
    found.push(`the image ${ami} is Windows: set server.amiId to one of ${platform.title}`);
  if (!type.supportedArchitectures.includes(image.architecture)) {
    found.push(
      `the image ${ami} is made for ${image.architecture}, but ${launch.instanceType} is ${type.supportedArchitectures.join(" or ")}: set server.instanceType or server.amiId`,
    );
  } else if (!type.supportedArchitectures.includes(architecture)) {
    found.push(`${launch.instanceType} is not ${architecture}, as its name says: set server.amiId to an image for it`);
  }
  return found;
}

function instanceType({ region, instanceType }: Launch, onAws: OnAws) {
  return lookUp(
    () => ec2.getInstanceType({ instanceType }, onAws),
    `the instance type ${instanceType} in ${region}`,
    "set server.instanceType to one of those that `aws ec2 describe-instance-types` lists",
  );
}

async function subnetFindings({ subnetId, region }: Launch, onAws: OnAws): Promise<string[]> {
  if (subnetId === undefined) return [];
  // A subnet without a table of its own has its VPC's main one.
  const table = await ec2
    .getRouteTable({ subnetId }, onAws)
    .catch(async () => {
      const { vpcId } = await ec2.getSubnet({ id: subnetId }, onAws);
      return ec2.getRouteTable({ vpcId, filters: [{ name: "association.main", values: ["true"] }] }, onAws);
    })
    .catch((error: unknown) => `the routes of ${subnetId} in ${region} cannot be looked up: ${reason(error)}`);
  if (typeof table === "string") return [table];
  const isPublic = table.routes.some(
    ({ cidrBlock, gatewayId }) => cidrBlock === "0.0.0.0/0" && gatewayId.startsWith("igw-"),
  );
  return isPublic
    ? []
    : [
        `the subnet ${subnetId} has no route to an internet gateway, so nobody would reach the server: add one to ${table.routeTableId}, or set server.subnetId to a public subnet`,
      ];
}

async function zoneFindings({ dnsZone }: Launch, onAws: OnAws): Promise<string[]> {
  if (dnsZone === undefined) return [];
  const zone = await lookUp(
    () => route53.getZone({ name: dnsZone }, onAws),
    `the zone ${dnsZone}`,
    "set server.dnsZone to one of those that `aws route53 list-hosted-zones` shows, or leave it out",
  );
  return typeof zone === "string" ? [zone] : [];
}

function officialImage({ platform, architecture }: Launch): { owner: string; name: string } {
  const name = platform.aws?.names[architecture];
  if (!platform.aws || !name) throw new Error(`${platform.title} has no official image for ${architecture} on AWS`);
  return { owner: platform.aws.owner, name };
}

/** What was looked up, or a finding. */
async function lookUp<Result>(ask: () => Promise<Result>, what: string, whatToDo: string): Promise<Result | string> {
  try {
    return await ask();
  } catch (error) {
    return `${what} cannot be looked up: ${whatToDo} (${reason(error)})`;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
