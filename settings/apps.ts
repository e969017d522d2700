import { z } from "zod";
import { pythonNames } from "../platforms";
import { commandsSchema } from "./commands";
import { environmentSchema } from "./environment";
import { writableOptions } from "./folders";
import { healthCheckSchema } from "./healthCheck";
import { limitsSchema } from "./limits";
import { pipSchema } from "./pip";
import { secretsSchema } from "./secrets";
import { domainPattern, setting, textOrNumber } from "./setting";
import { sourceSettings } from "./source";
import { staticSchema } from "./static";
import { uwsgiOptions } from "./uwsgi";

/** Also the app's Linux user unless `uid` says otherwise, hence the limit (useradd(8): 32 characters at most). */
const appNamePattern = /^[a-z][a-z0-9-]{0,30}$/;
/** A name that nginx accepts: a domain, optionally after `*.`. */
const serverName = new RegExp(`^(\\*\\.)?${domainPattern.source.slice(1)}`, "i");

/** Capitals make no difference in a name. nginx warns about a name that is there twice. */
const serverNames = z
  .array(z.string().max(253).regex(serverName).toLowerCase())
  .overwrite((names) => [...new Set(names)])
  .default([]);

export const appNameSchema = setting(z.string().regex(appNamePattern), {
  meaning: "Name of the app.",
  allowed: "at most 31 of a-z, 0-9 and -, starting with a letter",
  placeholder: "APP",
});

export const appSchema = z.strictObject({
  ...sourceSettings,
  module: setting(
    z
      .string()
      .regex(/^[A-Za-z_][\w.]*:[A-Za-z_]\w*(\(\))?$/)
      .default("wsgi:application"),
    {
      meaning: "Python module and the WSGI callable in it, or the function without arguments that makes it.",
      allowed: "MODULE:CALLABLE or MODULE:FUNCTION(), such as wsgi:application or shop:create_app()",
    },
  ),
  requirements: setting(z.string().min(1).optional(), {
    meaning: "Requirements file for pip, or the `pyproject.toml` of a project to install, relative to `source`.",
    allowed: "the path of a file in `source`",
    defaultText: "`requirements.txt`, `pyproject.toml` or `setup.py`, whichever the folder has",
  }),
  extras: setting(z.array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/)).default([]), {
    meaning: "Extras of the project in `pyproject.toml` that are installed too.",
    allowed: "a list of names",
  }),
  pip: pipSchema,
  packages: setting(z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/)).default([]), {
    meaning: "System packages that the app or its requirements need.",
    allowed: "a list of package names",
  }),
  python: setting(textOrNumber(z.enum(pythonNames)).default("3"), {
    meaning: "Version of Python.",
    allowed: `one of ${pythonNames.join(", ")}`,
  }),
  domains: setting(serverNames, {
    meaning: "Names that nginx serves the app under. One app may have none: it answers for every other name.",
    allowed: "a list of domain names (letters, digits, hyphens and dots)",
  }),
  environment: environmentSchema,
  secrets: secretsSchema,
  commands: commandsSchema,
  ...writableOptions,
  instanceMetadata: setting(z.boolean().default(false), {
    meaning:
      "Let the app reach the cloud's instance metadata service (169.254.169.254), which gives it the server's credentials. " +
      "Needed on Google Cloud, where the name server has that address.",
    allowed: "true or false",
  }),
  limits: limitsSchema,
  ...uwsgiOptions,
  healthCheck: healthCheckSchema,
  static: staticSchema,
});

export type AppSettings = z.output<typeof appSchema>;

/** Apps by name. */
export type Apps = readonly (readonly [name: string, settings: AppSettings])[];

/** The tutorial's app. */
export const defaultApps = { hello: {} };

export const appsSchema = z
  .record(appNameSchema, appSchema)
  .refine((apps) => Object.keys(apps).length > 0)
  .prefault(defaultApps);
