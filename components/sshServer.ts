import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platforms";
import { inlineScript } from "../rendering/assets";
import { commandLine } from "../rendering/shell";
import type { Server } from "./server";
import { knownHostName, sshOptions, writeLoginFiles } from "./loginFiles";

/** How to log in to a server, or to the bastion in front of it. */
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
  /** Password that sudo asks the user for. Default: it asks for none, or the user is root. */
  sudoPassword?: string;
  /** A server in between, through which the server is reached. */
  bastion?: SshLogin;
  /** Seconds that each connection may take to open. */
  connectTimeoutSeconds: number;
  /** TCP port of the address that leads to the server's port 80. */
  httpPort: number;
}

const checkSudo = inlineScript("check-sudo.sh");

/** A server that the user has. It outlives the stack, so what is on it is removed piece by piece. */
export class SshServer extends pulumi.ComponentResource implements Server {
  readonly connection: Server["connection"];
  readonly sudo: Server["sudo"];
  readonly loginUser: string;
  readonly platform: Platform;
  readonly address: pulumi.Output<string>;
  readonly httpPort: number;
  readonly sshCommand: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;

  constructor(name: string, args: SshServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:SshServer", name, {}, opts);
    const { user, bastion, connectTimeoutSeconds } = args;
    const password = args.sudoPassword === undefined ? undefined : pulumi.secret(args.sudoPassword);
    const endpoint = (to: SshLogin) => ({
      host: to.address,
      port: to.port,
      user: to.user,
      privateKey: to.privateKey === undefined ? undefined : pulumi.secret(to.privateKey),
      privateKeyPassword: to.privateKeyPassphrase === undefined ? undefined : pulumi.secret(to.privateKeyPassphrase),
      hostKey: to.hostKey,
      perDialTimeout: connectTimeoutSeconds,
    });

    const check =
      user === "root"
        ? ["true"]
        : ["bash", "-c", checkSudo, "check-sudo", password === undefined ? "none" : "password"];
    const once = { dialErrorLimit: 0 };
    // Before everything else, and changes nothing. Dialled once: a login that fails shall say so at once, and through a
    // bastion only the first attempt says why.
    const login = new command.remote.Command(
      name,
      {
        connection: { ...endpoint(args), ...once, proxy: bastion && { ...endpoint(bastion), ...once } },
        create: commandLine(check),
        stdin: password && pulumi.interpolate`${password}\n`,
        triggers: [args.hostKey],
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );

    // What stands between a server and another one: its address may change, its host key is its own.
    this.identity = login.id.apply(() => args.hostKey);
    this.connection = pulumi.output({ ...endpoint(args), proxy: bastion && endpoint(bastion) });
    this.sudo = user === "root" ? undefined : { password };
    this.loginUser = user;
    this.platform = args.platform;
    this.httpPort = args.httpPort;
    this.address = pulumi.output(args.address);
    // Not -J, which takes neither a key nor a file of known hosts for the bastion. ssh itself has use for a %.
    const through = bastion && [
      ...[...ssh(`${name}-bastion`, bastion, "bastion_", this), "-W", `${bracketed(args.address)}:${args.port}`],
      `${bastion.user}@${bastion.address}`,
    ];
    const jump = through ? ["-o", `ProxyCommand=${commandLine(through).replaceAll("%", "%%")}`] : [];
    this.sshCommand = pulumi.output(commandLine([...ssh(name, args, "", this), ...jump, `${user}@${args.address}`]));
    this.registerOutputs({ address: this.address, sshCommand: this.sshCommand });
  }
}

/** ssh with the options for a login by hand, up to the user; writes the files that they name. */
function ssh(name: string, to: SshLogin, prefix: string, parent: pulumi.Resource): string[] {
  const files = writeLoginFiles(
    name,
    {
      privateKey: to.privateKey === undefined ? undefined : pulumi.secret(to.privateKey),
      knownHost: `${knownHostName(to.address, to.port)} ${to.hostKey}`,
      fileNames: { key: `${prefix}key`, knownHosts: `${prefix}known_hosts` },
    },
    parent,
  );
  return ["ssh", "-p", String(to.port), ...sshOptions(files, (file) => file)];
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
