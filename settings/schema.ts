import { z } from "zod";
import { pythonNames } from "../platforms";
import { serverSchema } from "./serverSchema";
import { domainPattern, setting, textOrNumber, wholeNumber } from "./setting";

/** Also the app's Linux user unless `uid` says otherwise, hence the limit (useradd(8): 32 characters at most). */
export const appNamePattern = /^[a-z][a-z0-9-]{0,30}$/;
const linuxName = /^[a-z_][a-z0-9_-]{0,31}$/;
/** A name that nginx takes: a domain, and its leading `*.`. */
const serverName = new RegExp(`^(\\*\\.)?${domainPattern.source.slice(1)}`, "i");

export const appSchema = z.strictObject({
  source: setting(z.string().min(1).default("assets/apps/hello"), {
    meaning: "Folder with the app's code, relative to the project.",
    allowed: "the path of a folder",
  }),
  module: setting(
    z
      .string()
      .regex(/^[A-Za-z_][\w.]*:[A-Za-z_]\w*$/)
      .default("wsgi:application"),
    {
      meaning: "Python module and the WSGI callable in it.",
      allowed: "MODULE:CALLABLE, such as wsgi:application",
    },
  ),
  requirements: setting(z.string().min(1).optional(), {
    meaning: "Requirements file for pip, relative to `source`.",
    allowed: "the path of a file in `source`",
    defaultText: "`requirements.txt` if the folder has one",
  }),
  packages: setting(z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/)).default([]), {
    meaning: "System packages that the app or its requirements need.",
    allowed: "a list of package names",
  }),
  python: setting(textOrNumber(z.enum(pythonNames)).default("3"), {
    meaning: "Version of Python.",
    allowed: `one of ${pythonNames.join(", ")}`,
  }),
  domains: setting(z.array(z.string().max(253).regex(serverName)).default([]), {
    meaning: "Names under which nginx serves the app. One app may have none: it answers for every other name.",
    allowed: "a list of domain names (letters, digits, hyphens and dots)",
  }),
  processes: setting(wholeNumber(1, 1024).default(5), {
    meaning: "uWSGI worker processes.",
    allowed: "a whole number from 1 to 1024",
  }),
  master: setting(z.boolean().default(true), {
    meaning: "Run uWSGI's master process; without it a change restarts the app instead of reloading it.",
    allowed: "true or false",
  }),
  uid: setting(z.string().regex(linuxName).optional(), {
    meaning: "Linux user that runs the app; made if it is not there. Never root.",
    allowed: "a Linux user name other than root, at most 32 of a-z, 0-9, _ and -",
    defaultText: "the app's name",
  }),
  socket: setting(
    z
      .string()
      .regex(/^\/run\/[a-z0-9][a-z0-9-]{0,63}\/[a-z0-9][a-z0-9.-]{0,30}\.sock$/)
      .optional(),
    {
      meaning: "Unix socket between nginx and uWSGI, in a folder that is the app's own and that systemd makes.",
      allowed: "/run/FOLDER/NAME.sock",
      defaultText: "`/run/uwsgi-APP/uwsgi.sock`",
    },
  ),
  chownSocket: setting(
    z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}:[a-z_][a-z0-9_-]{0,31}$/)
      .optional(),
    {
      meaning: "Owner and group of the socket. A change restarts the app.",
      allowed: "USER:GROUP",
      defaultText: "`uid` and nginx's group",
    },
  ),
  chmodSocket: setting(textOrNumber(z.string().regex(/^[0-7]{3}$/)).default("660"), {
    meaning: "Permissions of the socket. A change restarts the app.",
    allowed: "three octal digits, such as 660",
  }),
  vacuum: setting(z.boolean().default(true), {
    meaning: "Remove the socket when uWSGI stops.",
    allowed: "true or false",
  }),
  dieOnTerm: setting(z.boolean().default(true), {
    meaning: "SIGTERM stops uWSGI instead of reloading it; without it systemd sends SIGQUIT.",
    allowed: "true or false",
  }),
  stopTimeoutSeconds: setting(wholeNumber(1, 3600).default(10), {
    meaning: "Seconds that requests get to finish when the app stops, before it is killed.",
    allowed: "a whole number from 1 to 3600",
  }),
  healthCheck: z
    .strictObject({
      path: setting(
        z
          .string()
          .regex(/^\/[\w./~%&?=+,:@-]*$/)
          .default("/"),
        {
          meaning: "Path that a release is asked for before and after it goes live.",
          allowed: "a URL path that starts with /",
        },
      ),
      contains: setting(
        z
          .string()
          .regex(/^[^\r\n]*$/)
          .max(200)
          .default(""),
        {
          meaning: "Text that the answer's body must contain. An empty body fails in any case.",
          allowed: "a text of at most 200 characters on one line",
          defaultText: "none",
        },
      ),
      timeoutSeconds: setting(wholeNumber(1, 300).default(10), {
        meaning: "Seconds that a release gets to load and to answer.",
        allowed: "a whole number from 1 to 300",
      }),
    })
    .prefault({}),
});

export const settingsSchema = z.strictObject({
  server: serverSchema,
  uwsgi: z
    .strictObject({
      version: setting(textOrNumber(z.string().regex(/^\d+(\.\d+)+$/)).default("2.0.31"), {
        meaning: "Version of uWSGI, compiled once on the server for each Python.",
        allowed: "a version from PyPI, such as 2.0.31",
      }),
    })
    .prefault({}),
  apps: z
    .record(
      setting(z.string().regex(appNamePattern), {
        meaning: "Name of the app.",
        allowed: "at most 31 of a-z, 0-9 and -, starting with a letter",
      }),
      appSchema,
    )
    .refine((apps) => Object.keys(apps).length > 0)
    .prefault({ hello: {} }),
});

export type Settings = z.output<typeof settingsSchema>;
export type AppSettings = z.output<typeof appSchema>;
