import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { SshTarget } from "../servers/server";
import { rootCommandInputs } from "./elevation";

export interface RemoteScriptArgs {
  server: SshTarget;
  /**
   * Text of the script with its parameters, as `script()` renders it. It contains no secret. It is passed by stdin, so
   * that a preview shows a change line by line, and an error does not show all of it.
   */
  script: string;
  /**
   * Whether the script undoes its work when the resource is deleted: it is called with the action `up` or `down`.
   * Default: false, it is called without an action and leaves everything as it is.
   */
  removable?: boolean;
}

/** A script that runs as root on a server whenever its text or the server changes, so it must be idempotent. */
export class RemoteScript extends command.remote.Command {
  constructor(name: string, args: RemoteScriptArgs, opts?: pulumi.CustomResourceOptions) {
    const bash = (action: readonly string[]) => ["bash", "-s", "--", ...action];
    const steps = args.removable
      ? { create: bash(["up"]), delete: bash(["down"]), stdin: args.script }
      : { create: bash([]), stdin: args.script };
    super(
      name,
      {
        ...rootCommandInputs(args.server, name, steps, opts),
        triggers: [args.server.identity],
      },
      pulumi.mergeOptions(serverResourceOptions(args.server), opts),
    );
  }
}

/**
 * Options of every remote resource: if it is deleted with its server, the engine does not connect to a deleted server.
 *
 * Without `deleteBeforeReplace`, because the engine would do just that. So the new resource exists when the old one is
 * deleted, and on the same server they must not share a path: a script is only replaced with its server, a file also if
 * its path changes.
 */
export function serverResourceOptions(server: SshTarget): pulumi.CustomResourceOptions {
  return server.deletedWith ? { deletedWith: server.deletedWith } : {};
}
