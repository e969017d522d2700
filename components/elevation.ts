import * as pulumi from "@pulumi/pulumi";
import { inlineScript } from "../rendering/assets";
import { commandLine, quote } from "../rendering/shell";
import type { SshTarget } from "../servers/server";

/** A command that runs as root on a server. */
export interface RootCommand {
  /** Words of the command for each step of the resource's life. */
  create: readonly string[];
  delete?: readonly string[];
  /** Text for stdin, which a preview shows line by line. It contains no secret. */
  stdin: string;
}

const sudo = inlineScript("sudo.sh");

/**
 * The inputs of a remote command that runs as root.
 *
 * With a sudo password all of stdin is secret, so a preview would hide the script. It is therefore also registered as a
 * text-only resource.
 */
export function rootCommandInputs(
  server: SshTarget,
  name: string,
  steps: RootCommand,
  opts: pulumi.CustomResourceOptions | undefined,
) {
  const { sudo: { password } = {} } = server;
  if (password) new PreviewText(name, steps.stdin, { parent: opts?.parent });
  return {
    connection: server.connection,
    create: asRoot(server, steps.create),
    delete: steps.delete && guardByIdentity(server, asRoot(server, steps.delete)),
    stdin: password ? pulumi.secret(pulumi.interpolate`${password}\n${steps.stdin}`) : steps.stdin,
    addPreviousOutputInEnv: false,
  };
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

/** Not a ComponentResource, because the engine does not get the inputs of those, and a preview only shows inputs. */
class PreviewText extends pulumi.Resource {
  constructor(name: string, text: string, opts: pulumi.ResourceOptions) {
    super("uwsgi-nginx:index:Text", name, false, { text }, opts);
  }
}
