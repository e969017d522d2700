import * as fs from "node:fs";
import * as path from "node:path";
import { platforms, type Platform } from "../../platforms";
import type { Mistake } from "../../settings/mistake";
import type { CheckInputs } from "../kind";
import type { ContainerSettings } from "./schema";
import { containerSource } from "./source";

export function containerChecks(server: ContainerSettings, inputs: CheckInputs): Mistake[] {
  return [...portChecks(server), ...sourceChecks(server, inputs)];
}

function portChecks({ httpPort, sshPort }: ContainerSettings): Mistake[] {
  if (httpPort !== sshPort) return [];
  return [
    {
      path: ["server", "sshPort"],
      value: sshPort,
      text: "is also server.httpPort.",
      fix: "choose a different port.",
    },
  ];
}

function sourceChecks(server: ContainerSettings, { folder }: CheckInputs): Mistake[] {
  const { image, rootFilesystem } = containerSource(server);
  const platform: Platform = platforms[server.platform];
  if (rootFilesystem !== undefined) {
    const at = { path: ["server", "rootFilesystem"], value: rootFilesystem };
    if (image !== undefined) {
      return [{ ...at, text: "is set, and so is server.image.", fix: "remove one of them." }];
    }
    if (fs.existsSync(path.resolve(folder, rootFilesystem))) return [];
    const text = "does not exist on your computer.";
    return [{ ...at, text, fix: "set it to the path of a tar archive or of a folder." }];
  }
  if (image !== undefined || platform.container.image === undefined) return [];
  const text = `required on ${platform.title}, but not set.`;
  return [{ path: ["server", "image"], text, fix: `set it to an image, such as ${platform.container.image}.` }];
}
