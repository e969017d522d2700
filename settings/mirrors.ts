import type { Mirrors, Platform } from "../platforms";

/**
 * The base URLs that a platform's packages come from, by the name of their list: what an environment variable of this
 * machine says, or else the setting, or else the platform's own.
 */
export function baseUrls(
  platform: Platform,
  settings: Readonly<Record<string, readonly string[] | undefined>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(platform.packages.mirrors).map(([name, mirrors]) => [
      name,
      (words(env[mirrors.variable]) ?? settings[name] ?? mirrors.defaults).flatMap((url) => candidates(url, mirrors)),
    ]),
  );
}

function words(text: string | undefined): string[] | undefined {
  const found = text?.split(/[\s,]+/).filter(Boolean);
  return found?.length ? found : undefined;
}

/** An address is taken as the release's own, and then as that of an archive which holds it: a miss costs little. */
function candidates(url: string, { release }: Mirrors): string[] {
  const base = url.replace(/\/+$/, "");
  return base.endsWith(`/${release}`) ? [base] : [base, `${base}/${release}`];
}
