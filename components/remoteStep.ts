import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { inlineScript } from "../rendering/assets";
import { commandLine, quote } from "../rendering/shell";
import type { SshTarget } from "../servers/server";

export interface RemoteStepArgs {
  server: SshTarget;
  /** Words of the command, to which `up` or `down` is added. */
  command: readonly string[];
  stdin: pulumi.Input<string>;
  /** Whether a preview shows that stdin changes, as for a secret, whose text it never shows. Default: false */
  showsStdin?: boolean;
}

const sudo = inlineScript("sudo.sh");

/**
 * A verb of the toolkit that runs as root on a server whenever its stdin or the server changes, and is undone when the
 * resource is deleted.
 *
 * Its stdin is usually not shown in a preview: Shown is what a reader compares.
 */
export class RemoteStep extends command.remote.Command {
  constructor(
    name: string,
    { server, command, stdin, showsStdin = false }: RemoteStepArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    const password = server.sudo?.password;
    super(
      name,
      {
        connection: server.connection,
        create: asRoot(server, [...command, "up"]),
        delete: guardByIdentity(server, asRoot(server, [...command, "down"])),
        stdin: password ? pulumi.secret(pulumi.interpolate`${password}\n${stdin}`) : stdin,
        triggers: [server.identity],
        addPreviousOutputInEnv: false,
      },
      pulumi.mergeOptions({ ...serverResourceOptions(server), hideDiffs: showsStdin ? [] : ["stdin"] }, opts),
    );
  }

  /** What `up` has printed. Undefined if an `up --target` excludes this resource. */
  result<T>(): pulumi.Output<T | undefined> {
    const text = pulumi.unsecret(this.stdout) as pulumi.Output<string | undefined>;
    return text.apply((json) => (json ? (JSON.parse(json) as T) : undefined));
  }
}

/**
 * Options of every remote resource: if it is deleted with its server, the engine does not connect to a deleted server.
 *
 * Without `deleteBeforeReplace`, because the engine would do just that. So the new resource exists when the old one is
 * deleted. A step is only replaced with its server.
 */
export function serverResourceOptions(server: SshTarget): pulumi.CustomResourceOptions {
  return server.deletedWith ? { deletedWith: server.deletedWith } : {};
}

/**
 * Texts that a preview compares, by the names of their files. They are recorded once the step that brings them to the server
 * has succeeded, so what a failed step has not done is shown again.
 */
export class Shown extends pulumi.ComponentResource {
  constructor(
    type: string,
    name: string,
    texts: Readonly<Record<string, pulumi.Input<string>>>,
    step: RemoteStep,
    parent: pulumi.Resource,
  ) {
    super(`uwsgi-nginx:index:${type}`, name, texts, { parent, dependsOn: [step] });
  }
}

/** A file that is uploaded as the login user, and again when its content or the server changes. */
export class Upload extends command.remote.CopyToRemote {
  constructor(
    name: string,
    { server, file, remotePath }: { server: SshTarget; file: string; remotePath: string },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      name,
      {
        connection: server.connection,
        source: new pulumi.asset.FileAsset(file),
        remotePath,
        triggers: [server.identity],
      },
      pulumi.mergeOptions({ ...serverResourceOptions(server), hideDiffs: ["source"] }, opts),
    );
  }
}

/** A command line that becomes root first. If sudo asks for a password, it must be the first line of stdin. */
function asRoot(server: SshTarget, words: readonly string[]): string {
  if (!server.sudo) return commandLine(words);
  return commandLine(server.sudo.password ? ["bash", "-c", sudo, "sudo", ...words] : ["sudo", "-n", ...words]);
}

/**
 * A `delete` that only runs on the server that the resource was created on.
 *
 * If a server was terminated outside of Pulumi, a refresh notices, and the next update creates a new one with the same
 * address and key. Everything on it is replaced: the engine creates it on the new server, and then deletes the old one,
 * which would remove it from the new server too.
 */
function guardByIdentity({ identity, identityFile }: SshTarget, command: string): pulumi.Input<string> {
  if (identityFile === undefined) return command;
  return identity.apply((id) => `[ "$(cat ${quote(identityFile)})" != ${quote(id)} ] || ${command}`);
}
