import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { asRoot } from "./elevation";
import type { Dialled } from "./server";

export interface RemoteScriptArgs {
  server: Dialled;
  /**
   * Text of the script with its parameters, as `script()` renders it. It travels by stdin, so that a preview shows what
   * changes line by line and an error does not show all of it. It holds no secret.
   */
  script: string;
  /**
   * The script undoes what it did when the resource goes: it is called with the action `up` or `down`.
   * Default: false, for what it leaves is shared with others, and it gets no action.
   */
  removable?: boolean;
}

/**
 * Carrier of a script: runs it as root on a server whenever its text or the server changes.
 *
 * The script must converge, for it may run again at any time.
 */
export class RemoteScript extends command.remote.Command {
  constructor(name: string, args: RemoteScriptArgs, opts?: pulumi.CustomResourceOptions) {
    const bash = (action: readonly string[]) => ["bash", "-s", "--", ...action];
    const steps = args.removable
      ? { create: bash(["up"]), delete: bash(["down"]), stdin: args.script }
      : { create: bash([]), stdin: args.script };
    super(
      name,
      {
        ...asRoot(args.server, name, steps, opts),
        triggers: [args.server.identity],
      },
      pulumi.mergeOptions(serverResourceOptions(args.server), opts),
    );
  }
}

/**
 * Options of everything that is on a server: where it dies with the server, nobody dials one that is gone to tidy it up.
 *
 * Without `deleteBeforeReplace`, which would make the engine do just that. So what runs anew because the server was
 * replaced must never share a place with what its own old `delete` removes on the same server: a script is replaced with
 * its server only, a file also when its path changes.
 */
export function serverResourceOptions(server: Dialled): pulumi.CustomResourceOptions {
  return server.machine ? { deletedWith: server.machine } : {};
}
