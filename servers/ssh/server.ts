import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { platforms, type Platform } from "../../platforms";
import { inlineScript } from "../../rendering/assets";
import { commandLine } from "../../rendering/shell";
import { knownHostName, sshOptions, writeLoginFiles } from "../loginFiles";
import type { Server } from "../server";
import { requireAgent } from "../sshAgent";
import type { SshSettings } from "./schema";

/** How to log in to a server, or to its bastion. */
export interface SshLogin {
  address: string;
  port: number;
  user: string;
  /** OpenSSH or PEM format. Default: the keys of the ssh-agent. */
  privateKey?: string;
  /** Of an encrypted key. */
  privateKeyPassphrase?: string;
  /** `TYPE BASE64` */
  hostKey: string;
}

export interface SshServerArgs extends SshLogin {
  platform: Platform;
  /** Password that sudo asks the user for. Default: sudo does not ask, or the user is root. */
  sudoPassword?: string;
  /** A server that the connection goes through. */
  bastion?: SshLogin;
  /** Seconds to wait for each connection. */
  connectTimeoutSeconds: number;
  /** TCP port of the address that leads to the server's port 80. */
  httpPort: number;
}

export function createSshServer(name: string, settings: SshSettings): SshServer {
  requireAgent(settings);
  return new SshServer(name, { ...settings, platform: platforms[settings.platform] });
}

/** An existing server. It outlives the stack, so every resource removes what it has put on it. */
export class SshServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  readonly sudo: Server["sudo"];
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort: number;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;

  constructor(name: string, args: SshServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:SshServer", name, {}, opts);
    const sudo = sudoOf(args);
    const login = checkLogin(name, args, sudo, this);

    this.platform = args.platform;
    this.httpPort = args.httpPort;
    this.address = pulumi.output(args.address);
    this.sudo = sudo;
    this.connection = pulumi.output(connectionTo(args));
    // A server may get another address, but its host key is unique.
    this.identity = login.id.apply(() => args.hostKey);
    this.sshCommand = pulumi.output(manualLogin(name, args, this));
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

function sudoOf({ user, sudoPassword }: SshServerArgs): Server["sudo"] {
  if (user === "root") return undefined;
  return { password: sudoPassword === undefined ? undefined : pulumi.secret(sudoPassword) };
}

/** @param more options of each connection */
function connectionTo(args: SshServerArgs, more: { dialErrorLimit?: number } = {}) {
  const endpoint = (to: SshLogin) => ({
    host: to.address,
    port: to.port,
    user: to.user,
    privateKey: secret(to.privateKey),
    privateKeyPassword: secret(to.privateKeyPassphrase),
    hostKey: to.hostKey,
    perDialTimeout: args.connectTimeoutSeconds,
    ...more,
  });
  return { ...endpoint(args), proxy: args.bastion && endpoint(args.bastion) };
}

/** Checks the login and sudo before anything else, and changes nothing. */
function checkLogin(name: string, args: SshServerArgs, sudo: Server["sudo"], parent: pulumi.Resource) {
  const password = sudo?.password;
  const check = ["bash", "-c", inlineScript("check-sudo.sh"), "check-sudo", password ? "password" : "none"];
  return new command.remote.Command(
    name,
    {
      // No second attempt: a login that fails is reported at once, and through a bastion only the first error has a cause.
      connection: connectionTo(args, { dialErrorLimit: 0 }),
      create: commandLine(sudo ? check : ["true"]),
      stdin: password && pulumi.interpolate`${password}\n`,
      triggers: [args.hostKey],
      addPreviousOutputInEnv: false,
    },
    { parent },
  );
}

/** The command line for a manual login; writes the files that it names. */
function manualLogin(name: string, args: SshServerArgs, parent: pulumi.Resource): string {
  const { address, port, user, bastion } = args;
  const jump = bastion && [
    ...[...ssh(`${name}-bastion`, bastion, "bastion_", parent), "-W", `${bracketed(address)}:${port}`],
    `${bastion.user}@${bastion.address}`,
  ];
  // Not -J, which takes neither a key nor a known_hosts file for the bastion. ssh expands % in a ProxyCommand.
  const proxy = jump ? ["-o", `ProxyCommand=${commandLine(jump).replaceAll("%", "%%")}`] : [];
  return commandLine([...ssh(name, args, "", parent), ...proxy, `${user}@${address}`]);
}

/** ssh with its options, up to the user. */
function ssh(name: string, to: SshLogin, prefix: string, parent: pulumi.Resource): string[] {
  const files = writeLoginFiles(
    name,
    {
      privateKey: secret(to.privateKey),
      knownHost: `${knownHostName(to.address, to.port)} ${to.hostKey}`,
      fileNames: { key: `${prefix}key`, knownHosts: `${prefix}known_hosts` },
    },
    parent,
  );
  return ["ssh", "-p", String(to.port), ...sshOptions(files, (file) => file)];
}

function secret(text: string | undefined): pulumi.Output<string> | undefined {
  return text === undefined ? undefined : pulumi.secret(text);
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
