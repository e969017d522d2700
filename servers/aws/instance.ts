import * as ec2 from "@pulumi/aws/ec2";
// EC2 too, in spite of its module's name.
import * as ec2transitgateway from "@pulumi/aws/ec2transitgateway";
import * as iam from "@pulumi/aws/iam";
import * as pulumi from "@pulumi/pulumi";
import type { AwsOptions, InstanceRequest } from "./image";
import { stackTags } from "./tags";
import { preflightCreate, preflightUpdate } from "./preflight";

export interface InstanceArgs {
  request: InstanceRequest;
  ami: pulumi.Input<string>;
  subnet?: pulumi.Output<ec2.GetSubnetResult>;
  firewall: ec2.SecurityGroup;
  keyPair: ec2.KeyPair;
  userData: pulumi.Output<string>;
  rootVolumeGib: number;
  ssmAccess: boolean;
  terminationProtection: boolean;
  detailedMonitoring: boolean;
  tags: Record<string, string>;
}

export function createInstance(name: string, args: InstanceArgs, aws: AwsOptions): ec2.Instance {
  const { request, ami, subnet, firewall, keyPair, userData, terminationProtection } = args;
  const { instanceType, subnetId } = request;
  return new ec2.Instance(
    name,
    {
      ami,
      instanceType,
      subnetId,
      ipv6AddressCount: subnet?.ipv6CidrBlock.apply((cidr) => (cidr ? 1 : undefined)),
      vpcSecurityGroupIds: [firewall.id],
      keyName: keyPair.keyName,
      iamInstanceProfile: args.ssmAccess ? createSsmProfile(name, aws).name : undefined,
      userData,
      // cloud-init only reads it at the first boot, so other user-data needs another server.
      userDataReplaceOnChange: true,
      rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootVolumeGib, encrypted: true },
      // The provider's default tags would be added in a request after the launch, which the policies in docs/iam deny.
      volumeTags: { ...stackTags(), ...args.tags },
      // IMDSv2 only, and only for the server itself, not for requests that an app forwards.
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      // The default of newer burstable types, "unlimited", charges extra for long CPU load.
      creditSpecification: /^t\d/.test(instanceType) ? { cpuCredits: "standard" } : undefined,
      disableApiTermination: terminationProtection,
      // Lets the provider lift the protection once the engine may delete the server. In the console it stays in force.
      forceDestroy: true,
      monitoring: args.detailedMonitoring,
      tags: args.tags,
    },
    {
      ...aws,
      protect: terminationProtection,
      ignoreChanges: [...ignoredImage(request, "ami"), "ipv6AddressCount"],
      additionalSecretOutputs: ["userData"],
      hooks: {
        beforeCreate: [preflightCreate(name, request, aws)],
        beforeUpdate: [preflightUpdate(name, request, aws)],
      },
    },
  );
}

/** A newer official image must not replace an existing server; another image of the user's does. */
export function ignoredImage({ amiId }: InstanceRequest, property: string): string[] {
  return amiId === undefined ? [property] : [];
}

/** Starts the server again if a refresh finds it stopped. */
export function keepRunning(name: string, instance: ec2.Instance, aws: AwsOptions): pulumi.Resource {
  return new ec2transitgateway.InstanceState(`${name}-running`, { instanceId: instance.id, state: "running" }, aws);
}

/** What the Amazon SSM agent needs for Session Manager. Whatever gets to the metadata service can do it too. */
const sessionManager = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ],
      // These actions have no resources to choose from.
      Resource: "*",
    },
  ],
};

/** The role of the Amazon SSM agent, in the project's own path, to which docs/iam limits those who deploy. */
function createSsmProfile(name: string, aws: AwsOptions): iam.InstanceProfile {
  const path = `/${pulumi.getProject()}/`;
  const role = new iam.Role(
    `${name}-ssm-role`,
    {
      path,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
      }),
      // The most that any policy can give the role. Without it, who may write the role's policy could become administrator.
      permissionsBoundary: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    },
    aws,
  );
  const policy = new iam.RolePolicy(
    `${name}-ssm-policy`,
    { role: role.name, policy: JSON.stringify(sessionManager) },
    aws,
  );
  return new iam.InstanceProfile(`${name}-ssm-profile`, { path, role: role.name }, { ...aws, dependsOn: policy });
}
