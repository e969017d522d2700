import { z } from "zod";
import { mirrors, type Mirrors, type Platform } from "../platforms";
import { wordsOf } from "./mirrors";
import type { Mistake } from "./mistake";
import { setting } from "./setting";

/** Without a user name and password, because files and previews show it. */
const urlPattern = /^https?:\/\/[\w.-]+(:\d+)?(\/[\w.~%+/-]*)?$/;
const url = () => z.string().regex(urlPattern);
const urlAllowed = "a URL (http or https) without a user name and password";

const mirrorSettings = Object.fromEntries(
  Object.entries(mirrors).map(([name, { title, variable, defaults }]: [string, Mirrors]) => [
    name,
    setting(z.array(url()).min(1).optional(), {
      meaning: `Base URLs of ${title}; the first that responds is used. The environment variable \`${variable}\` overrides them.`,
      allowed: `a list of URLs (http or https) without a user name and password`,
      secret: "accidentally",
      defaultText: defaults.map((it) => `\`${it}\``).join(", "),
    }),
  ]),
);

/** Where a server downloads packages from. */
export const downloadSettings = {
  mirrors: z.strictObject(mirrorSettings).prefault({}),
  proxy: setting(url().optional(), {
    meaning: "HTTP proxy for downloads of system packages and of Python packages.",
    allowed: urlAllowed,
    secret: "accidentally",
    defaultText: "none",
  }),
  pipIndex: setting(url().optional(), {
    meaning: "Package index that pip installs from.",
    allowed: urlAllowed,
    secret: "accidentally",
    defaultText: "PyPI",
  }),
};

/** Environment variables that override mirrors are checked like the settings. Their values may hold a password. */
export function variableChecks(platform: Platform, env: Readonly<Record<string, string | undefined>>): Mistake[] {
  return Object.values(platform.packages.mirrors)
    .filter(({ variable }) => !(wordsOf(env[variable]) ?? []).every((url) => urlPattern.test(url)))
    .map(({ variable }) => ({
      path: [variable],
      text: "an environment variable with a URL that is not allowed.",
      fix: "set it to URLs (http or https) without a user name and password, or unset it.",
    }));
}
