import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { inlineScript } from "../rendering/assets";
import type { SshTarget } from "../servers/server";
import { rootCommandInputs } from "./elevation";
import { serverResourceOptions } from "./remoteScript";

export interface RemoteFileArgs {
  server: SshTarget;
  /** Absolute path. Missing folders are created (root, 0755). */
  path: string;
  /** Text of the file. `pulumi preview --diff` shows a change line by line. */
  content: string;
  /** USER:GROUP. Default: root:root. */
  owner?: string;
  /** Octal permissions. Default: 0644. */
  mode?: string;
}

const writeFile = inlineScript("write-file.sh");
const removeFile = inlineScript("remove-file.sh");

/** A file on a server: written atomically with its owner and mode, and removed with the resource. */
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
        ...rootCommandInputs(server, name, steps, opts),
        // Another path replaces the resource, so the old file is removed.
        triggers: [server.identity, path],
      },
      pulumi.mergeOptions(serverResourceOptions(server), opts),
    );
  }
}
