import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { inlineScript } from "../rendering/assets";
import { asRoot } from "./elevation";
import type { Server } from "./server";
import { serverResourceOptions } from "./remoteScript";

export interface RemoteFileArgs {
  server: Server;
  /** Absolute path. Missing folders are made (root, 0755). */
  path: string;
  /** Text of the file: a change of it shows line by line in `pulumi preview --diff`. */
  content: string;
  /** USER:GROUP. Default: root:root. */
  owner?: string;
  /** Octal permissions. Default: 0644. */
  mode?: string;
}

const writeFile = inlineScript("write-file.sh");
const removeFile = inlineScript("remove-file.sh");

/** Carrier of a file: written in one step, with its owner and mode, and removed with the resource. */
export class RemoteFile extends command.remote.Command {
  constructor(name: string, args: RemoteFileArgs, opts?: pulumi.CustomResourceOptions) {
    const { server, path, content, owner = "root:root", mode = "0644" } = args;
    const bytes = String(Buffer.byteLength(content));
    const steps = {
      create: ["bash", "-c", writeFile, "write-file", path, owner, mode, bytes],
      delete: ["bash", "-c", removeFile, "remove-file", path],
      stdin: content,
    };
    super(
      name,
      {
        ...asRoot(server, name, steps, opts),
        // A file that moves is another file: the old one goes.
        triggers: [server.identity, path],
      },
      pulumi.mergeOptions(serverResourceOptions(server), opts),
    );
  }
}
