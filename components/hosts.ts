import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { platforms } from "../platforms";
import { containerSource } from "../settings/containerSource";
import type { Downloads } from "../rendering/downloads";
import type { Settings } from "../settings/schema";
import { ContainerHost, type Containers } from "./containerHost";
import type { Host } from "./host";
import { SshHost } from "./sshHost";

type HostSettings = Settings["host"];

/** How each kind of host is made. */
const kinds: {
  [Kind in HostSettings["kind"]]: (name: string, settings: HostSettings & { kind: Kind }, downloads: Downloads) => Host;
} = {
  container: (name, settings, downloads) =>
    new ContainerHost(name, {
      ...settings,
      ...containerSource(settings),
      platform: platforms[settings.platform],
      containers: readContainers(),
      downloads,
    }),
  ssh: (name, settings) => {
    requireAgent(settings);
    return new SshHost(name, { ...settings, platform: platforms[settings.platform] });
  },
};

/** The server that the settings ask for. */
export function makeHost(name: string, settings: HostSettings, downloads: Downloads): Host {
  const make = kinds[settings.kind] as (name: string, settings: HostSettings, downloads: Downloads) => Host;
  return make(name, settings, downloads);
}

/**
 * The command plugin dials the ssh-agent that SSH_AUTH_SOCK names, even where it is given a key, and says little of one
 * that is not there.
 */
function requireAgent({ privateKey, bastion }: { privateKey?: string; bastion?: { privateKey?: string } }): void {
  const socket = process.env.SSH_AUTH_SOCK;
  const isNeeded = privateKey === undefined || (bastion !== undefined && bastion.privateKey === undefined);
  if (!socket && isNeeded) {
    const key = privateKey === undefined ? "host.privateKey" : "host.bastion.privateKey";
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
