import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { quote } from "../rendering/shell";

export interface LoginFilesArgs {
  /** Line of the server for known_hosts. */
  knownHost: pulumi.Input<string>;
  /** Private key to log in with. Default: none, for the user's ssh-agent has it. */
  privateKey?: pulumi.Input<string>;
  /** Default: id_ed25519 and known_hosts. */
  fileNames?: { key: string; knownHosts: string };
}

/** Paths relative to the project's folder. */
export interface LoginFiles {
  keyFile?: string;
  knownHosts: string;
}

/** Writes what a log-in by hand needs to `.local/servers/STACK` on this machine. */
export function writeLoginFiles(name: string, args: LoginFilesArgs, parent: pulumi.Resource): LoginFiles {
  const fileNames = args.fileNames ?? { key: "id_ed25519", knownHosts: "known_hosts" };
  const folder = path.posix.join(".local", "servers", pulumi.getStack());
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
    keyFile:
      args.privateKey &&
      // ssh reads no key without its last newline, which `pulumi config set` cuts off.
      write(
        "key-file",
        fileNames.key,
        pulumi.output(args.privateKey).apply((key) => `${key.trimEnd()}\n`),
      ),
    knownHosts: write("known-hosts", fileNames.knownHosts, pulumi.interpolate`${args.knownHost}\n`),
  };
}

/** A server as known_hosts names it. */
export function knownHostName(address: string, port: number): string {
  return port === 22 ? address : `[${address}]:${port}`;
}

/** ssh's options that name the files, as `place` writes their paths. */
export function sshOptions({ keyFile, knownHosts }: LoginFiles, place: (file: string) => string): string[] {
  return [
    ...(keyFile ? ["-i", place(keyFile), "-o", "IdentitiesOnly=yes"] : []),
    // It takes several, with spaces between them.
    ...["-o", `UserKnownHostsFile=${place(knownHosts).replace(/.* .*/, '"$&"')}`],
  ];
}
