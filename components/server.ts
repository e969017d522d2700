import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platforms";

/**
 * A server: anything with SSH and systemd. Every kind of server ends in this, and what is built on a server never asks
 * which kind it is.
 */
export interface Server {
  /** How to log in, the pinned host key included. */
  readonly connection: pulumi.Output<command.types.input.remote.ConnectionArgs>;
  /** User who logs in. */
  readonly loginUser: string;
  /** The user becomes root with sudo, and with this password if it asks for one. None where the user is root. */
  readonly sudo?: { readonly password?: pulumi.Output<string> };
  readonly platform: Platform;
  /** Address that people reach the server by. */
  readonly address: pulumi.Output<string>;
  /** Port there that leads to the server's port 80. */
  readonly httpPort: number;
  /** Command line that logs in. */
  readonly sshCommand: pulumi.Output<string>;
  /** Changes when the server is another one: then everything on it must be made again. */
  readonly identity: pulumi.Output<string>;
  /**
   * File on the server that holds its identity, for a server that can be another one at the same address with the same
   * key, without the engine having ended the first (`onlyOn`). Default: none, for it cannot.
   */
  readonly identityFile?: string;
  /** The resource that is the server: what is on it dies with it. None where the server outlives the stack. */
  readonly machine?: pulumi.Resource;
}

/** What it takes to do something on a server. */
export type Dialled = Pick<Server, "connection" | "sudo" | "identity" | "identityFile" | "machine">;
