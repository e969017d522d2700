import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { platforms } from "../platforms";
import { containerSource } from "../settings/containerSource";
import type { Downloads } from "../rendering/downloads";
import type { Settings } from "../settings/schema";
import { ContainerHost, type Containers } from "./containerHost";
import type { Host } from "./host";

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
};

/** The server that the settings ask for. */
export function makeHost(name: string, settings: HostSettings, downloads: Downloads): Host {
  return kinds[settings.kind](name, settings, downloads);
}

function readContainers(): Containers {
  try {
    return JSON.parse(fs.readFileSync(path.join(".local", "containers.json"), "utf8")) as Containers;
  } catch {
    throw new pulumi.RunError("No container engine is prepared on this machine yet: run `npm start` once.");
  }
}
