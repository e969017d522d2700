import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platforms";

/** A server: anything with SSH and systemd. What is built on a server never asks which kind it is. */
export interface Server {
  /** How to log in, including the pinned host key. */
  readonly connection: pulumi.Output<command.types.input.remote.ConnectionArgs>;
  /** The user becomes root with sudo, and with this password if sudo asks for one. Absent if the user is root. */
  readonly sudo?: { readonly password?: pulumi.Output<string> };
  readonly platform: Platform;
  /** Public address. */
  readonly address: pulumi.Output<string>;
  /** Port of the address that leads to the server's port 80. */
  readonly httpPort: number;
  /** Command line that logs in. */
  readonly sshCommand: pulumi.Output<string>;
  /** Changes when the server is replaced: then everything on it must be created again. */
  readonly identity: pulumi.Output<string>;
  /**
   * File on the server that contains its identity. Only for a server that can be replaced outside of Pulumi by one with
   * the same address and key (see `guardByIdentity`).
   */
  readonly identityFile?: string;
  /** The resource that everything on the server is deleted with. Absent if the server outlives the stack. */
  readonly deletedWith?: pulumi.Resource;
}

/** What it takes to run something on a server. */
export type SshTarget = Pick<Server, "connection" | "sudo" | "identity" | "identityFile" | "deletedWith">;
