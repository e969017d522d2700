// Validates what AWS reports late, unclearly or not at all.
import * as ec2 from "@pulumi/aws/ec2";
import * as route53 from "@pulumi/aws/route53";
import * as pulumi from "@pulumi/pulumi";
import { noImage, officialImage, type AwsOptions, type InstanceRequest } from "./image";

interface Problem {
  what: string;
  fix: string;
}

/**
 * Checks the image, instance type, subnet and zone before the server is created, in a preview too. It does not run for an
 * existing server.
 */
export function preflightCreate(name: string, request: InstanceRequest, aws: AwsOptions): pulumi.ResourceHook {
  return preflightHook(`${name}-preflight-create`, "The server was not created", async ({ newInputs }) => {
    const problems = await Promise.all([
      imageProblems(String(newInputs?.ami), request, aws),
      subnetProblems(request, aws),
      zoneProblems(request, aws),
    ]);
    return problems.flat();
  });
}

/** Checks a change of the server. For another type AWS stops it first, and it stays stopped if the type does not exist. */
export function preflightUpdate(name: string, request: InstanceRequest, aws: AwsOptions): pulumi.ResourceHook {
  return preflightHook(`${name}-preflight-update`, "The server was not changed", async ({ oldInputs, newInputs }) => {
    const isSameType = oldInputs?.instanceType === newInputs?.instanceType;
    const type = isSameType ? undefined : await lookUpInstanceType(request, aws);
    return [...problemsIn([type]), ...volumeProblems(volumeSize(oldInputs), volumeSize(newInputs))];
  });
}

/** A hook that fails if there are problems, in a preview too. */
function preflightHook(name: string, failure: string, check: (args: pulumi.ResourceHookArgs) => Promise<Problem[]>) {
  return new pulumi.ResourceHook(
    name,
    async (args) => {
      const problems = await check(args);
      if (problems.length === 0) return;
      const lines = problems.flatMap(({ what, fix }) => [`  - ${what}`, `    Fix: ${fix}`]);
      throw new Error([`${failure}, because preflight checks failed.`, ...lines].join("\n"));
    },
    { onDryRun: true },
  );
}

/** @param ami may differ from the requested one: a server that is replaced keeps its image */
async function imageProblems(ami: string, request: InstanceRequest, aws: AwsOptions): Promise<Problem[]> {
  if (ami === noImage) return [noImageProblem(request)];
  const [image, type] = await Promise.all([lookUpImage(ami, request, aws), lookUpInstanceType(request, aws)]);
  if (isProblem(image) || isProblem(type)) return problemsIn([image, type]);

  const { platform, instanceType, architecture } = request;
  const problems: Problem[] = [];
  if (image.platform === "windows") {
    problems.push({
      what: `The image ${ami} contains Windows.`,
      fix: `set server.amiId to an image of ${platform.title}.`,
    });
  }
  const supported = type.supportedArchitectures;
  if (!supported.includes(image.architecture)) {
    problems.push({
      what: `The image ${ami} is built for ${image.architecture}, but ${instanceType} is ${supported.join(" or ")}.`,
      fix: "change server.instanceType or server.amiId.",
    });
  } else if (!supported.includes(architecture)) {
    problems.push({
      what: `The instance type ${instanceType} is not ${architecture}, although its name implies it.`,
      fix: `set server.amiId to an image for ${supported.join(" or ")}.`,
    });
  }
  return problems;
}

function noImageProblem(request: InstanceRequest): Problem {
  const { owner, name } = officialImage(request);
  return {
    what: `The region ${request.region} has no image "${name}" of ${request.platform.title}'s account ${owner}.`,
    fix: "set server.amiId to an image of your own, or server.region to another region.",
  };
}

function lookUpImage(ami: string, { region }: InstanceRequest, aws: AwsOptions) {
  return lookUp(
    () => ec2.getAmi({ filters: [{ name: "image-id", values: [ami] }], includeDeprecated: true }, aws),
    `The image ${ami} in ${region} cannot be looked up`,
    "set server.amiId to an image that exists there and that this account may use.",
  );
}

function lookUpInstanceType({ region, instanceType }: InstanceRequest, aws: AwsOptions) {
  return lookUp(
    () => ec2.getInstanceType({ instanceType }, aws),
    `The instance type ${instanceType} in ${region} cannot be looked up`,
    "set server.instanceType to one that `aws ec2 describe-instance-types` lists.",
  );
}

function volumeSize(inputs: pulumi.ResourceHookArgs["newInputs"]): number {
  const { volumeSize: size } = (inputs?.rootBlockDevice ?? {}) as { volumeSize?: number };
  return Number(size);
}

function volumeProblems(before: number, after: number): Problem[] {
  if (!(after < before)) return [];
  return [
    {
      what: `The root volume has ${before} GiB and cannot shrink to ${after}.`,
      fix: `set server.rootVolumeGib to ${before}.`,
    },
  ];
}

async function subnetProblems({ subnetId, region }: InstanceRequest, aws: AwsOptions): Promise<Problem[]> {
  if (subnetId === undefined) return [];
  const table = await lookUp(
    () => routeTableOf(subnetId, aws),
    `The route table of ${subnetId} in ${region} cannot be looked up`,
    "set server.subnetId to a subnet that `aws ec2 describe-subnets` lists.",
  );
  if (isProblem(table)) return [table];
  const isPublic = table.routes.some(
    ({ cidrBlock, gatewayId }) => cidrBlock === "0.0.0.0/0" && gatewayId.startsWith("igw-"),
  );
  if (isPublic) return [];
  return [
    {
      what: `The subnet ${subnetId} has no route to an internet gateway, so the server would be unreachable.`,
      fix: `add a route to ${table.routeTableId}, or set server.subnetId to a public subnet.`,
    },
  ];
}

/** A subnet without a route table of its own uses the main one of its VPC. */
async function routeTableOf(subnetId: string, aws: AwsOptions) {
  try {
    return await ec2.getRouteTable({ subnetId }, aws);
  } catch {
    const { vpcId } = await ec2.getSubnet({ id: subnetId }, aws);
    return ec2.getRouteTable({ vpcId, filters: [{ name: "association.main", values: ["true"] }] }, aws);
  }
}

async function zoneProblems({ dnsZone }: InstanceRequest, aws: AwsOptions): Promise<Problem[]> {
  if (dnsZone === undefined) return [];
  const zone = await lookUp(
    () => route53.getZone({ name: dnsZone }, aws),
    `The zone ${dnsZone} cannot be looked up`,
    "set server.dnsZone to one that `aws route53 list-hosted-zones` lists, or remove it.",
  );
  return problemsIn([zone]);
}

/** What was looked up, or the problem with it. */
async function lookUp<Result>(get: () => Promise<Result>, failure: string, fix: string): Promise<Result | Problem> {
  try {
    return await get();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { what: `${failure}: ${reason.replace(/\.$/, "")}.`, fix };
  }
}

function isProblem(result: unknown): result is Problem {
  return typeof result === "object" && result !== null && "what" in result && "fix" in result;
}

function problemsIn(results: readonly unknown[]): Problem[] {
  return results.filter(isProblem);
}
