import * as pulumi from "@pulumi/pulumi";
import { inlineScript } from "../rendering/assets";
import { commandLine, quote } from "../rendering/shell";
import type { Dialled } from "./server";

/** What is to be done on a server as root, before it is known how the login becomes root. */
export interface RootCommand {
  /** Words of the command for each step of the resource's life. */
  create: readonly string[];
  delete?: readonly string[];
  /** The text for their stdin, which a preview shows line by line. It holds no secret. */
  stdin: string;
}

const sudo = inlineScript("sudo.sh");

/** A command line that becomes root first. Where sudo asks for a password, the first line of stdin must be that. */
function elevated(server: Dialled, words: readonly string[]): string {
  if (!server.sudo) return commandLine(words);
  return commandLine(server.sudo.password ? ["bash", "-c", sudo, "sudo", ...words] : ["sudo", "-n", ...words]);
}

/**
 * The inputs of a remote command that runs as root.
 *
 * A password makes the whole stdin a secret, of which a preview shows nothing: then the text is shown as a resource of
 * its own, which does nothing else.
 */
export function asRoot(
  server: Dialled,
  name: string,
  steps: RootCommand,
  opts: pulumi.CustomResourceOptions | undefined,
) {
  const { sudo: { password } = {} } = server;
  if (password) new ShownText(name, steps.stdin, { parent: opts?.parent });
  return {
    connection: server.connection,
    create: elevated(server, steps.create),
    delete: steps.delete && onlyOn(server, elevated(server, steps.delete)),
    stdin: password ? pulumi.secret(pulumi.interpolate`${password}\n${steps.stdin}`) : steps.stdin,
    addPreviousOutputInEnv: false,
  };
}

/**
 * The `delete` of what is on a server, which does nothing on any other.
 *
 * A server that was ended by hand is missed by a refresh and made again, at its address and with its key. What was on
 * the first is replaced then, so the engine makes it on the new one and after that deletes the old: on the new one too.
 */
function onlyOn({ identity, identityFile }: Dialled, command: string): pulumi.Input<string> {
  if (identityFile === undefined) return command;
  return identity.apply((id) => `[ "$(cat ${quote(identityFile)})" != ${quote(id)} ] || ${command}`);
}

/** Not a ComponentResource, for that keeps its inputs from the engine, and a preview shows those only. */
class ShownText extends pulumi.Resource {
  constructor(name: string, text: string, opts: pulumi.ResourceOptions) {
    super("uwsgi-nginx:index:Text", name, false, { text }, opts);
  }
}
