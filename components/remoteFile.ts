import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { asset } from "../rendering/assets";
import { commandLine } from "../rendering/shell";
import type { Host } from "./host";
import { onHost } from "./remoteScript";

export interface RemoteFileArgs {
  host: Host;
  /** Absolute path. Missing folders are made (root, 0755). */
  path: string;
  /** Text of the file: a change of it shows line by line in `pulumi preview --diff`. */
  content: string;
  /** USER:GROUP. Default: root:root. */
  owner?: string;
  /** Octal permissions. Default: 0644. */
  mode?: string;
}

/** Without its comments, for an error shows the whole command. */
const writeFile = asset("scripts/write-file.sh").replace(/^#.*\n/gm, "");

/** Carrier of a file: written in one step, with its owner and mode, and removed with the resource. */
export class RemoteFile extends command.remote.Command {
  constructor(name: string, args: RemoteFileArgs, opts?: pulumi.CustomResourceOptions) {
    const { host, path, content, owner = "root:root", mode = "0644" } = args;
    const bytes = String(Buffer.byteLength(content));
    super(
      name,
      {
        connection: host.connection,
        create: commandLine(["bash", "-c", writeFile, "write-file", path, owner, mode, bytes]),
        delete: commandLine(["rm", "-f", "--", path]),
        stdin: content,
        // A file that moves is another file: the old one goes.
        triggers: [host.identity, path],
        addPreviousOutputInEnv: false,
      },
      pulumi.mergeOptions(onHost(host), opts),
    );
  }
}
