// What servers in a cloud share, if their images have cloud-init.
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { inlineScript, script } from "../rendering/assets";
import { commandLine } from "../rendering/shell";
import { bootNotice, renderUserData, type UserData } from "../rendering/userData";
import type { StackKey } from "./keys";
import { sshOptions, writeLoginFiles } from "./loginFiles";

/** cloud-init writes the instance's id to this file. */
export const identityFile = "/var/lib/cloud/data/instance-id";

/** The user that cloud-init creates becomes root without a password. */
export const sudo = {};

export interface CloudLogin {
  address: pulumi.Output<string>;
  user: string;
  /** Default: the user's ssh-agent has it. */
  privateKey?: pulumi.Output<string>;
  hostKey: pulumi.Output<string>;
}

export interface BootArgs {
  login: CloudLogin;
  identity: pulumi.Output<string>;
  /** The instance. */
  deletedWith: pulumi.Resource;
  /** The resource that starts the instance. */
  started: pulumi.Resource;
}

type Connection = pulumi.Output<command.types.input.remote.ConnectionArgs>;

/** The user-data of a server with this host key. It is a secret. */
export function createUserData({ publicKey, privateKey }: StackKey, more: Omit<UserData, "hostKey"> = {}) {
  return pulumi
    .all([publicKey, privateKey])
    .apply(([publicKey, privateKey]) => renderUserData({ hostKey: { publicKey, privateKey }, ...more }));
}

/** Waits until cloud-init has finished its first boot. The connection that it returns is only known after that. */
export function waitForBoot(name: string, args: BootArgs, parent: pulumi.Resource): Connection {
  const { login, identity, deletedWith, started } = args;
  const connection = pulumi.output({
    host: login.address,
    port: 22,
    user: login.user,
    privateKey: login.privateKey,
    hostKey: login.hostKey,
  });
  const booted = new command.remote.Command(
    `${name}-wait-for-boot`,
    {
      // Booting takes a minute or two. This allows 4 minutes of refused connections, 10 of unanswered ones.
      connection: pulumi
        .all([connection, started.urn])
        .apply(([it]) => ({ ...it, dialErrorLimit: 60, perDialTimeout: 5 })),
      create: "bash -s",
      stdin: script("wait-for-boot.sh", {
        parameters: { timeout: "600", notice: bootNotice, check_sudo: inlineScript("check-sudo.sh") },
      }),
      triggers: [identity],
      addPreviousOutputInEnv: false,
    },
    { parent, deletedWith },
  );
  // Unlike the script's output, its URN is known in a preview.
  return pulumi.all([connection, booted.urn]).apply(([it]) => it);
}

/** The command line for a manual login, and the files that it names. */
export function manualLogin(name: string, login: CloudLogin, parent: pulumi.Resource): pulumi.Output<string> {
  const { address, user, privateKey, hostKey } = login;
  const files = writeLoginFiles(name, { privateKey, knownHost: pulumi.interpolate`${address} ${hostKey}` }, parent);
  return address.apply((ip) => commandLine(["ssh", ...sshOptions(files, (file) => file), `${user}@${ip}`]));
}
