import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { quote } from "../rendering/shell";

export interface LoginFilesArgs {
  /** Line of the host for known_hosts. */
  knownHost: pulumi.Input<string>;
  /** Private key to log in with. Default: none, for the user's ssh-agent has it. */
  privateKey?: pulumi.Input<string>;
}

/** Paths relative to the project's folder. */
export interface LoginFiles {
  keyFile?: string;
  knownHosts: string;
}

/** Writes what a log-in by hand needs to `.local/hosts/STACK` on this machine. */
export function writeLoginFiles(name: string, args: LoginFilesArgs, parent: pulumi.Resource): LoginFiles {
  const folder = path.posix.join(".local", "hosts", pulumi.getStack());
  const write = (suffix: string, fileName: string, content: pulumi.Input<string>) => {
    const file = path.posix.join(folder, fileName);
    new command.local.Command(
      `${name}-${suffix}`,
      {
        create: `umask 077 && mkdir -p ${quote(folder)} && cat > ${quote(file)}`,
        delete: `rm -f ${quote(file)}; rmdir ${quote(folder)} 2> /dev/null || true`,
        stdin: content,
        addPreviousOutputInEnv: false,
      },
      { parent },
    );
    return file;
  };
  return {
    keyFile: args.privateKey && write("key-file", "id_ed25519", args.privateKey),
    knownHosts: write("known-hosts", "known_hosts", pulumi.interpolate`${args.knownHost}\n`),
  };
}

/** ssh's options that name the files, as `place` writes their paths. */
export function sshOptions({ keyFile, knownHosts }: LoginFiles, place: (file: string) => string): string[] {
  return [
    ...(keyFile ? ["-i", place(keyFile), "-o", "IdentitiesOnly=yes"] : []),
    ...["-o", `UserKnownHostsFile=${place(knownHosts)}`],
  ];
}
