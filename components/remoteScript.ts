import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

export interface RemoteScriptArgs {
  host: Host;
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
 * Carrier of a script: runs it as root on a host whenever its text or the host changes.
 *
 * The script must converge, for it may run again at any time.
 */
export class RemoteScript extends command.remote.Command {
  constructor(name: string, args: RemoteScriptArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      name,
      {
        connection: args.host.connection,
        create: args.removable ? "bash -s -- up" : "bash -s --",
        delete: args.removable ? "bash -s -- down" : undefined,
        stdin: args.script,
        triggers: [args.host.identity],
        addPreviousOutputInEnv: false,
      },
      pulumi.mergeOptions(onHost(args.host), opts),
    );
  }
}

/**
 * Options of everything that is on a host: it dies with the host, so nobody dials one that is gone to tidy it up.
 *
 * Without `deleteBeforeReplace`, which would make the engine do just that. So what runs anew because the host was
 * replaced must never share a place with what its own old `delete` removes on the same host: a script is replaced with
 * its host only, a file also when its path changes.
 */
export function onHost(host: Host): pulumi.CustomResourceOptions {
  return { deletedWith: host.machine };
}
