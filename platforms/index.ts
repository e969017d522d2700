import { centos7 } from "./centos7";
import { debian12 } from "./debian12";
import type { Mirrors, Platform } from "./platform";

export type {
  AwsArchitecture,
  AwsImages,
  Container,
  Mirrors,
  Nginx,
  Packages,
  PipNeed,
  Platform,
  Python,
} from "./platform";

/** Supported platforms, by the value of the setting `server.platform`. The first is the default. */
export const platforms = { debian12, centos7 } as const satisfies Readonly<Record<string, Platform>>;

export type PlatformName = keyof typeof platforms;

export const platformNames = Object.keys(platforms) as [PlatformName, ...PlatformName[]];

/** Values of the setting `python` that at least one platform supports. */
export const pythonNames = [
  ...new Set(Object.values(platforms).flatMap((platform) => Object.keys(platform.pythons))),
] as [string, ...string[]];

/** Lists of mirrors of all platforms, by the name of their setting. */
export const mirrors: Readonly<Record<string, Mirrors>> = Object.fromEntries(
  Object.values(platforms).flatMap((platform: Platform) => Object.entries(platform.packages.mirrors)),
);
