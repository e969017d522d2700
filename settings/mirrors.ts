import type { Mirrors, Platform } from "../platforms";

/**
 * The base URLs that a platform's packages come from, by the name of their list: an environment variable on your computer
 * overrides the setting, which overrides the platform's default.
 */
export function baseUrls(
  platform: Platform,
  settings: Readonly<Record<string, readonly string[] | undefined>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(platform.packages.mirrors).map(([name, mirrors]) => [
      name,
      (wordsOf(env[mirrors.variable]) ?? settings[name] ?? mirrors.defaults).flatMap((url) => candidates(url, mirrors)),
    ]),
  );
}

/** The URLs in an environment variable; undefined if there are none. */
export function wordsOf(text: string | undefined): string[] | undefined {
  const found = text?.split(/[\s,]+/).filter(Boolean);
  return found?.length ? found : undefined;
}

/** A URL may point to the release itself or to an archive that contains it. Trying both costs one failed request. */
function candidates(url: string, { release }: Mirrors): string[] {
  const base = url.replace(/\/+$/, "");
  return base.endsWith(`/${release}`) ? [base] : [base, `${base}/${release}`];
}
