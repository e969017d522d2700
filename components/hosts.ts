import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { platforms } from "../platforms";
import type { Settings } from "../settings/schema";
import { ContainerHost, type Containers } from "./containerHost";
import type { Host } from "./host";

type HostSettings = Settings["host"];

/** How each kind of host is made. */
const kinds: { [Kind in HostSettings["kind"]]: (name: string, settings: HostSettings & { kind: Kind }) => Host } = {
  container: (name, settings) =>
    new ContainerHost(name, { ...settings, platform: platforms[settings.platform], containers: readContainers() }),
};

/** The server that the settings ask for. */
export function makeHost(name: string, settings: HostSettings): Host {
  return kinds[settings.kind](name, settings);
}

function readContainers(): Containers {
  try {
    return JSON.parse(fs.readFileSync(path.join(".local", "containers.json"), "utf8")) as Containers;
  } catch {
    throw new pulumi.RunError("No container engine is prepared on this machine yet: run `npm start` once.");
  }
}
