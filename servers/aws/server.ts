import * as ec2 from "@pulumi/aws/ec2";
import { Provider } from "@pulumi/aws/provider";
import * as pulumi from "@pulumi/pulumi";
import { platforms, type Platform } from "../../platforms";
import { architectureOf } from "../../platforms/ec2";
import { httpPort } from "../../rendering/app";
import { createUserData, identityFile, manualLogin, sudo, waitForBoot, type CloudLogin } from "../cloudInit";
import { createKey, loginKey, type LoginKey, type StackKey } from "../keys";
import type { ServerInputs } from "../kind";
import type { Server } from "../server";
import { requireAgent } from "../sshAgent";
import { imageOf, type AwsOptions, type InstanceRequest } from "./image";
import { createInstance, ignoredImage, keepRunning } from "./instance";
import { createAddress, createDnsRecords, createFirewall } from "./network";
import { loginUser } from "./loginUser";
import type { AwsSettings } from "./schema";
import { stackTags } from "./tags";

export interface AwsServerArgs extends Omit<AwsSettings, "kind" | "platform"> {
  platform: Platform;
  user: string;
  /** Domain names of the apps, all of them in the zone `dnsZone`, if that is set. */
  domains: readonly string[];
}

export function createAwsServer(name: string, settings: AwsSettings, { domains }: ServerInputs): AwsServer {
  // A preview connects to no server, so it also works in a workflow that has no key.
  if (settings.publicKey !== undefined && !pulumi.runtime.isDryRun()) requireAgent({});
  return new AwsServer(name, {
    ...settings,
    user: loginUser(settings),
    platform: platforms[settings.platform],
    domains,
  });
}

/** An EC2 instance with a fixed address, a firewall, and a host key that is known before the first connection. */
export class AwsServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  readonly sudo = sudo;
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort = httpPort;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly identityFile = identityFile;
  readonly deletedWith: pulumi.Resource;

  constructor(name: string, args: AwsServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:AwsServer", name, {}, opts);
    const aws = { parent: this, provider: createProvider(name, args.region, this) };
    const tags = { Name: `${pulumi.getProject()}-${pulumi.getStack()}` };
    const request = { ...args, architecture: architectureOf(args.instanceType) };
    const ami = imageOf(request, aws);
    const keys = createKeys(name, args, { request, ami }, aws);
    const subnet = args.subnetId === undefined ? undefined : ec2.getSubnetOutput({ id: args.subnetId }, aws);
    const firewall = createFirewall(name, { ...args, tags }, subnet, aws);
    const userData = createUserData(keys.hostKey, { ssmAgent: args.ssmAccess ? request : undefined });
    const instance = createInstance(name, { ...args, ...keys, request, ami, subnet, firewall, userData, tags }, aws);
    const started = keepRunning(name, instance, aws);
    const address = createAddress(name, { ...args, instance, tags }, aws);
    createDnsRecords(name, { ...args, address }, aws);
    const login = loginTo(address, args, keys);

    this.platform = args.platform;
    this.address = address.publicIp;
    this.deletedWith = instance;
    this.identity = instance.id;
    this.connection = waitForBoot(name, { login, identity: instance.id, deletedWith: instance, started }, this);
    this.sshCommand = manualLogin(name, login, this);
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

function createProvider(name: string, region: string, parent: pulumi.Resource): Provider {
  return new Provider(`${name}-aws`, { region, defaultTags: { tags: stackTags() } }, { parent });
}

function loginTo(address: ec2.Eip, { user }: AwsServerArgs, { login, hostKey }: Keys): CloudLogin {
  return { address: address.publicIp, user, privateKey: login.privateKey, hostKey: hostKey.publicKey };
}

interface Keys {
  login: LoginKey;
  hostKey: StackKey;
  keyPair: ec2.KeyPair;
}

/**
 * The keys of the server, protected like the instance itself: AWS only refuses to terminate the instance, at the end of a
 * replacement, so the engine must refuse before it starts.
 */
function createKeys(
  name: string,
  args: AwsServerArgs,
  { request, ami }: { request: InstanceRequest; ami: pulumi.Input<string> },
  aws: AwsOptions,
): Keys {
  const opts = { parent: aws.parent, protect: args.terminationProtection };
  const login = loginKey(`${name}-login-key`, args, opts);
  // A new host key whenever the instance is replaced. The address stays with the old instance for a moment, and with the
  // same key the first connection could reach that.
  const hostKey = createKey(
    `${name}-host-key`,
    { ...opts, ignoreChanges: ignoredImage(request, "keepers.ami") },
    { ami, subnet: args.subnetId ?? "default", login: login.publicKey, ssm: String(args.ssmAccess) },
  );
  const keyPair = new ec2.KeyPair(
    `${name}-login`,
    { publicKey: login.publicKey },
    { ...aws, protect: args.terminationProtection },
  );
  return { login, hostKey, keyPair };
}
