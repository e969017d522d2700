import { z } from "zod";
import { mirrors, type Mirrors } from "../platforms";
import { setting } from "./setting";

/** Without a user name and password, because files and previews show it. */
const url = () => z.string().regex(/^https?:\/\/[\w.-]+(:\d+)?(\/[\w.~%+/-]*)?$/);
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
