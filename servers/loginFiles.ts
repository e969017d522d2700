import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { commandLine, quote } from "../rendering/shell";

export interface LoginFilesArgs {
  /** The server's line in known_hosts. */
  knownHost: pulumi.Input<string>;
  /** Private key to log in with. Default: none, the user's ssh-agent has it. */
  privateKey?: pulumi.Input<string>;
  /** Default: id_ed25519 and known_hosts. */
  fileNames?: { key: string; knownHosts: string };
}

/** Paths relative to the project's folder. */
export interface LoginFiles {
  keyFile?: string;
  knownHosts: string;
}

/** Writes the files for a manual login to `.local/servers/STACK` on your computer. */
export function writeLoginFiles(name: string, args: LoginFilesArgs, parent: pulumi.Resource): LoginFiles {
  const { privateKey, knownHost, fileNames = { key: "id_ed25519", knownHosts: "known_hosts" } } = args;
  const folder = path.posix.join(".local", "servers", pulumi.getStack());
  const keyFile = path.posix.join(folder, fileNames.key);
  const knownHosts = path.posix.join(folder, fileNames.knownHosts);
  // ssh reads no key without its last newline, which `pulumi config set` removes.
  const key = privateKey && pulumi.output(privateKey).apply((text) => `${text.trimEnd()}\n`);
  // The first line is the server's, and the rest is the key.
  const write = [
    ...["umask 077", `mkdir -p ${quote(folder)}`],
    ...["IFS= read -r line", `printf '%s\\n' "$line" > ${quote(knownHosts)}`],
    `${key ? "cat >" : "rm -f"} ${quote(keyFile)}`,
  ];
  new command.local.Command(
    `${name}-login-files`,
    {
      create: write.join(" && "),
      delete: `rm -f ${commandLine([keyFile, knownHosts])}; rmdir ${quote(folder)} 2> /dev/null || true`,
      stdin: pulumi.interpolate`${knownHost}\n${key ?? ""}`,
      addPreviousOutputInEnv: false,
    },
    { parent },
  );
  return { keyFile: key && keyFile, knownHosts };
}

/** A server's name in known_hosts. */
export function knownHostName(address: string, port: number): string {
  return port === 22 ? address : `[${address}]:${port}`;
}

/** Options of ssh that name the files. `place` turns their paths into those to show. */
export function sshOptions({ keyFile, knownHosts }: LoginFiles, place: (file: string) => string): string[] {
  return [
    ...(keyFile ? ["-i", place(keyFile), "-o", "IdentitiesOnly=yes"] : []),
    // The option takes several files, separated by spaces.
    ...["-o", `UserKnownHostsFile=${place(knownHosts).replace(/.* .*/, '"$&"')}`],
  ];
}
