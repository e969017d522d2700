import { platforms, type Platform } from "../../platforms";
import type { ContainerSettings } from "./schema";

/** What a container is created from. If neither is set: the image that the toolchain builds. */
export interface ContainerSource {
  image: string | undefined;
  rootFilesystem: string | undefined;
}

/** The settings, unless the platform's environment variable overrides them. */
export function containerSource(
  { platform, image, rootFilesystem }: Pick<ContainerSettings, "platform" | "image" | "rootFilesystem">,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ContainerSource {
  const { rootFilesystemVariable }: Platform["container"] = platforms[platform].container;
  const override = rootFilesystemVariable === undefined ? undefined : env[rootFilesystemVariable];
  return override ? { image: undefined, rootFilesystem: override } : { image, rootFilesystem };
}
