import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { platforms } from "../platforms";
import type { Downloads } from "../rendering/downloads";
import { containerSource } from "../settings/containerSource";
import type { Settings } from "../settings/schema";
import type { Containers } from "./containerServer";
import type { Server } from "./server";

type ServerSettings = Settings["server"];

/** What a server has to know of the rest. */
export interface Surroundings {
  downloads: Downloads;
  /** Names that people use. */
  domains: readonly string[];
}

type Maker<Kind> = (name: string, settings: ServerSettings & { kind: Kind }, surroundings: Surroundings) => Server;

/* eslint-disable @typescript-eslint/no-require-imports -- an import in a function would make it asynchronous */
/** How each kind is made. Its module, and a cloud's packages with it, are loaded by the stacks that use it only. */
const kinds: { [Kind in ServerSettings["kind"]]: () => Maker<Kind> } = {
  container: () => {
    const { ContainerServer } = require("./containerServer") as typeof import("./containerServer");
    return (name, settings, { downloads }) =>
      new ContainerServer(name, {
        ...settings,
        ...containerSource(settings),
        platform: platforms[settings.platform],
        containers: readContainers(),
        downloads,
      });
  },
  ssh: () => {
    const { SshServer } = require("./sshServer") as typeof import("./sshServer");
    return (name, settings) => {
      requireAgent(settings);
      return new SshServer(name, { ...settings, platform: platforms[settings.platform] });
    };
  },
  aws: () => {
    const { AwsServer } = require("./awsServer") as typeof import("./awsServer");
    return (name, settings, { domains }) => {
      // A preview dials nobody, so a workflow that has no key can show what a pull request would change.
      if (settings.publicKey !== undefined && !pulumi.runtime.isDryRun()) requireAgent({});
      return new AwsServer(name, { ...settings, platform: platforms[settings.platform], domains });
    };
  },
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** The server that the settings ask for. */
export function makeServer(name: string, settings: ServerSettings, surroundings: Surroundings): Server {
  const make = kinds[settings.kind]() as Maker<ServerSettings["kind"]>;
  return make(name, settings, surroundings);
}

/**
 * The command plugin dials the ssh-agent that SSH_AUTH_SOCK names, even where it is given a key, and says little of one
 * that is not there.
 */
function requireAgent({ privateKey, bastion }: { privateKey?: string; bastion?: { privateKey?: string } }): void {
  const socket = process.env.SSH_AUTH_SOCK;
  const isNeeded = privateKey === undefined || (bastion !== undefined && bastion.privateKey === undefined);
  if (!socket && isNeeded) {
    const key = privateKey === undefined ? "server.privateKey" : "server.bastion.privateKey";
    throw new pulumi.RunError(
      `There is no key to log in with: no ssh-agent runs (SSH_AUTH_SOCK), and ${key} is not set. Start an agent with your key, or:\n` +
        `  pulumi config set --secret --path ${key} < FILE`,
    );
  }
  if (socket && !fs.existsSync(socket)) {
    throw new pulumi.RunError(
      `SSH_AUTH_SOCK names an ssh-agent that is gone: ${socket}. Start one, or: unset SSH_AUTH_SOCK`,
    );
  }
}

function readContainers(): Containers {
  try {
    return JSON.parse(fs.readFileSync(path.join(".local", "containers.json"), "utf8")) as Containers;
  } catch {
    throw new pulumi.RunError("No container engine is prepared on this machine yet: run `npm start` once.");
  }
}
