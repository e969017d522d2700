import { debian12 } from "./debian12";
import type { Platform } from "./platform";

export type { Nginx, Platform, Python } from "./platform";

/** The systems a host can run, by the value of the setting `host.platform`. */
export const platforms = { debian12 } as const satisfies Readonly<Record<string, Platform>>;

export type PlatformName = keyof typeof platforms;

export const platformNames = Object.keys(platforms) as [PlatformName, ...PlatformName[]];

/** Values of the setting `python` that at least one platform knows. */
export const pythonNames = [
  ...new Set(Object.values(platforms).flatMap((platform) => Object.keys(platform.pythons))),
] as [string, ...string[]];
