import * as ec2 from "@pulumi/aws/ec2";
// Where the SDK has it; it is of EC2 all the same.
import * as ec2transitgateway from "@pulumi/aws/ec2transitgateway";
import * as iam from "@pulumi/aws/iam";
import { Provider } from "@pulumi/aws/provider";
import * as route53 from "@pulumi/aws/route53";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platforms";
import { architectureOf } from "../platforms/ec2";
import { httpPort } from "../rendering/app";
import { inlineScript, script } from "../rendering/assets";
import { commandLine } from "../rendering/shell";
import { publicKeyOf } from "../rendering/sshKey";
import { renderUserData } from "../rendering/userData";
import type { Settings } from "../settings/schema";
import { imageOf, lookBeforeChange, lookBeforeLaunch, type OnAws } from "./awsImage";
import type { Server } from "./server";
import { sshOptions, writeLoginFiles } from "./loginFiles";
import { RemoteScript } from "./remoteScript";
import { makeKey } from "./stackKey";

export interface AwsServerArgs extends Omit<Settings["server"] & { kind: "aws" }, "kind" | "platform"> {
  platform: Platform;
  /** Names that shall lead to the server, all of them in the setting `dnsZone`, if that is given. */
  domains: readonly string[];
}

const ports = { ssh: 22, https: 443 };

/**
 * A server on EC2: an instance with an address that stays, a firewall, and a key that is known before the first dial.
 */
export class AwsServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  /** cloud-init lets its user become root without a password. */
  readonly sudo = {};
  readonly loginUser: string;
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort = httpPort;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  /** cloud-init's note of the instance's id. */
  readonly identityFile = "/var/lib/cloud/data/instance-id";
  readonly machine: pulumi.Resource;

  constructor(name: string, args: AwsServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:AwsServer", name, {}, opts);
    const { platform, region, instanceType, subnetId } = args;
    const loginUser = args.user ?? platform.aws?.user;
    if (loginUser === undefined) throw new Error(`no user of an image of ${platform.title} is known`);
    const tags = { Project: pulumi.getProject(), Stack: pulumi.getStack() };
    const named = { Name: `${tags.Project}-${tags.Stack}` };
    const provider = new Provider(`${name}-aws`, { region, defaultTags: { tags } }, { parent: this });
    const onAws = { parent: this, provider };
    // AWS protects the instance alone, and only when everything else is done. The engine refuses before anything is: what
    // the server is made from and its address are protected too, or a replacement would end half-way.
    const protect = args.terminationProtection;

    const launch = { ...args, architecture: architectureOf(instanceType) };
    const ami = imageOf(launch, onAws);
    // What appears in the cloud later never replaces a running server: a newer image, IPv6 in its subnet.
    const ownImage = args.amiId !== undefined;
    const login = loginKey(name, args, { parent: this, protect });
    // Another server has another key, or the first dial after a replacement could reach the old one: it keeps the address
    // for a moment.
    const hostKey = makeKey(
      `${name}-host-key`,
      { parent: this, protect, ignoreChanges: ownImage ? [] : ["keepers.ami"] },
      { ami, subnet: subnetId ?? "default", login: login.publicKey, ssm: String(args.ssmAccess) },
    );
    const keyPair = new ec2.KeyPair(`${name}-login`, { publicKey: login.publicKey }, { ...onAws, protect });

    const subnet = subnetId === undefined ? undefined : ec2.getSubnetOutput({ id: subnetId }, onAws);
    const firewall = new ec2.SecurityGroup(
      `${name}-firewall`,
      {
        // AWS cannot change it: another text would be another group.
        description: "SSH and web of the server",
        vpcId: subnet?.vpcId,
        ingress: [
          ...ingress(ports.ssh, args.sshCidrs),
          ...ingress(httpPort, args.webCidrs),
          ...ingress(ports.https, args.webCidrs),
        ],
        // Where packages come from and what the apps talk to is not known here.
        egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] }],
        tags: named,
      },
      { ...onAws, protect },
    );

    const instance = new ec2.Instance(
      name,
      {
        ami,
        instanceType,
        subnetId,
        ipv6AddressCount: subnet?.ipv6CidrBlock.apply((cidr) => (cidr ? 1 : undefined)),
        vpcSecurityGroupIds: [firewall.id],
        keyName: keyPair.keyName,
        iamInstanceProfile: args.ssmAccess ? ssmProfile(name, onAws).name : undefined,
        userData: pulumi
          .all([hostKey.publicKey, hostKey.privateKey])
          .apply(([publicKey, privateKey]) =>
            renderUserData({ hostKey: { publicKey, privateKey }, ssmAgent: args.ssmAccess ? launch : undefined }),
          ),
        // Only a first boot reads it, so a server with other user-data is another server.
        userDataReplaceOnChange: true,
        rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootVolumeGib, encrypted: true },
        // Version 2 only, and for the server itself only, not for what an app forwards.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        // Without this, burstable types cost more than their price when they are busy for long.
        creditSpecification: /^t\d/.test(instanceType) ? { cpuCredits: "standard" } : undefined,
        disableApiTermination: protect,
        // The provider lifts the protection of a server that the engine may end; in the console it holds.
        forceDestroy: true,
        monitoring: args.detailedMonitoring,
        tags: named,
      },
      {
        ...onAws,
        protect,
        ignoreChanges: [...(ownImage ? [] : ["ami"]), "ipv6AddressCount"],
        additionalSecretOutputs: ["userData"],
        hooks: {
          beforeCreate: [lookBeforeLaunch(name, launch, onAws)],
          beforeUpdate: [lookBeforeChange(name, launch, onAws)],
        },
      },
    );

    // A refresh notices that somebody has stopped it, and an update starts it again.
    const running = new ec2transitgateway.InstanceState(
      `${name}-running`,
      { instanceId: instance.id, state: "running" },
      onAws,
    );

    // Stays when the server stops, and when it is replaced.
    const address = new ec2.Eip(
      `${name}-address`,
      { domain: "vpc", instance: instance.id, tags: named },
      { ...onAws, protect },
    );
    if (args.dnsZone !== undefined) {
      const zone = route53.getZoneOutput({ name: args.dnsZone }, onAws);
      for (const domain of new Set(args.domains)) {
        new route53.Record(
          `${name}-dns-${domain}`,
          { zoneId: zone.zoneId, name: domain, type: "A", ttl: 300, records: [address.publicIp] },
          onAws,
        );
      }
    }

    const connection = pulumi.output({
      host: address.publicIp,
      port: ports.ssh,
      user: loginUser,
      privateKey: login.privateKey,
      hostKey: hostKey.publicKey,
    });
    const booted = new RemoteScript(
      `${name}-wait-for-boot`,
      {
        server: {
          // An instance takes a minute or two: up to 4 minutes of refused dials, 10 of unanswered ones.
          connection: pulumi
            .all([connection, running.urn])
            .apply(([it]) => ({ ...it, dialErrorLimit: 60, perDialTimeout: 5 })),
          identity: instance.id,
          machine: instance,
        },
        script: script("wait-for-boot.sh", {
          parameters: { timeout: "600", check_sudo: inlineScript("check-sudo.sh") },
        }),
      },
      { parent: this },
    );

    const files = writeLoginFiles(
      name,
      { privateKey: login.privateKey, knownHost: pulumi.interpolate`${address.publicIp} ${hostKey.publicKey}` },
      this,
    );
    this.loginUser = loginUser;
    this.platform = platform;
    this.address = address.publicIp;
    this.machine = instance;
    this.identity = instance.id;
    // Nobody else dials before the server has booted. The URN is known in a preview, unlike what a script prints.
    this.connection = pulumi.all([connection, booted.urn]).apply(([it]) => it);
    this.sshCommand = address.publicIp.apply((ip) =>
      commandLine(["ssh", ...sshOptions(files, (file) => file), `${loginUser}@${ip}`]),
    );
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

function ingress(port: number, cidrs: readonly string[]) {
  const [ipv4, ipv6] = [cidrs.filter((cidr) => !cidr.includes(":")), cidrs.filter((cidr) => cidr.includes(":"))];
  if (cidrs.length === 0) return [];
  // Only lists that say something: AWS knows no empty ones.
  return [
    {
      protocol: "tcp",
      fromPort: port,
      toPort: port,
      ...(ipv4.length > 0 ? { cidrBlocks: ipv4 } : {}),
      ...(ipv6.length > 0 ? { ipv6CidrBlocks: ipv6 } : {}),
    },
  ];
}

/** Lets Amazon's SSM agent on the server do its work. */
function ssmProfile(name: string, onAws: OnAws): iam.InstanceProfile {
  const role = new iam.Role(
    `${name}-ssm-role`,
    {
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
      }),
    },
    onAws,
  );
  new iam.RolePolicyAttachment(
    `${name}-ssm-policy`,
    { role: role.name, policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" },
    onAws,
  );
  return new iam.InstanceProfile(`${name}-ssm-profile`, { role: role.name }, onAws);
}

/** The key pair that the stack makes, or what the user has given: a private key, or the public half of one elsewhere. */
function loginKey(
  name: string,
  { privateKey, publicKey }: AwsServerArgs,
  opts: pulumi.CustomResourceOptions,
): { publicKey: pulumi.Input<string>; privateKey?: pulumi.Output<string> } {
  if (privateKey !== undefined) return { publicKey: publicKeyOf(privateKey), privateKey: pulumi.secret(privateKey) };
  return publicKey === undefined ? makeKey(`${name}-login-key`, opts) : { publicKey };
}
