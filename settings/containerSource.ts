import { platforms, type Platform } from "../platforms";
import type { Settings } from "./schema";

type ContainerSettings = Pick<
  Extract<Settings["server"], { kind: "container" }>,
  "platform" | "image" | "rootFilesystem"
>;

/** What a container is made from; nothing: the image that the toolchain makes. */
export interface ContainerSource {
  image: string | undefined;
  rootFilesystem: string | undefined;
}

/** The settings, unless an environment variable of this machine stands in for them. */
export function containerSource(
  { platform, image, rootFilesystem }: ContainerSettings,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ContainerSource {
  const { rootFilesystemVariable }: Platform["container"] = platforms[platform].container;
  const standIn = rootFilesystemVariable === undefined ? undefined : env[rootFilesystemVariable];
  return standIn ? { image: undefined, rootFilesystem: standIn } : { image, rootFilesystem };
}
