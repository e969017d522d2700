import { z } from "zod";
import { setting, textOrNumber, wholeNumber } from "./setting";

const linuxName = /^[a-z_][a-z0-9_-]{0,31}$/;

/** uWSGI's options for an app. */
export const uwsgiOptions = {
  processes: setting(wholeNumber(1, 1024).default(5), {
    meaning: "Number of uWSGI worker processes.",
    allowed: "a whole number from 1 to 1024",
  }),
  master: setting(z.boolean().default(true), {
    meaning: "Run uWSGI's master process. Without it, a change restarts the app instead of reloading it.",
    allowed: "true or false",
  }),
  uid: setting(z.string().regex(linuxName).optional(), {
    meaning:
      "Linux user that runs the app; created if it does not exist. Never root, the login user, or one who shares a group.",
    allowed: "a Linux user name other than root, at most 32 of a-z, 0-9, _ and -",
    defaultText: "the app's name",
  }),
  socket: setting(
    z
      .string()
      .regex(/^\/run\/[a-z0-9][a-z0-9-]{0,63}\/[a-z0-9][a-z0-9.-]{0,30}\.sock$/)
      .optional(),
    {
      meaning: "Unix socket between nginx and uWSGI, in a folder of its own. systemd makes both.",
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
      meaning: "Owner and group of the socket.",
      allowed: "USER:GROUP",
      defaultText: "`uid` and nginx's group",
    },
  ),
  chmodSocket: setting(textOrNumber(z.string().regex(/^[0-7]{3}$/)).default("660"), {
    meaning: "Permissions of the socket.",
    allowed: "three octal digits, such as 660",
  }),
  vacuum: setting(z.boolean().default(true), {
    meaning: "Remove the socket when it is stopped, with `systemctl stop uwsgi` for example.",
    allowed: "true or false",
  }),
  dieOnTerm: setting(z.boolean().default(true), {
    meaning: "Stop uWSGI on SIGTERM instead of reloading it. Without it, systemd sends SIGQUIT.",
    allowed: "true or false",
  }),
  stopTimeoutSeconds: setting(wholeNumber(1, 3600).default(10), {
    meaning: "Seconds that running requests have to finish when the app stops, before it is killed.",
    allowed: "a whole number from 1 to 3600",
  }),
};

/** The version that is compiled by default. */
export const sourceVersion = "2.0.31";

/** What all apps of a server share. */
export const uwsgiSchema = z
  .strictObject({
    from: setting(z.enum(["source", "wheel", "distribution"]).default("source"), {
      meaning:
        "Where uWSGI comes from: `source` compiles it with pip, as in the tutorial, once on the server for each Python. `wheel` " +
        "installs it compiled, from the package pyuwsgi. `distribution` installs the packages of the operating system. Only " +
        "`source` installs a compiler: with the others, list what compiles requirements in `apps.APP.packages`.",
      allowed: "one of source, wheel, distribution",
    }),
    version: setting(textOrNumber(z.string().regex(/^\d+(\.\d+)+(\.post\d+)?$/)).optional(), {
      meaning:
        "Version of uWSGI. An error lists those there are, if it is not one of them. Only the default's packages are compared " +
        "with known SHA-256 sums.",
      allowed: `a version, such as ${sourceVersion}`,
      defaultText: `\`${sourceVersion}\` from source, the newest wheel for the Python, or the distribution's`,
    }),
  })
  .prefault({});

export type UwsgiSettings = z.output<typeof uwsgiSchema>;

/** The app's socket: the setting `socket`, or its default. */
export function socketPath(app: string, { socket }: { socket?: string }): string {
  return socket ?? `/run/uwsgi-${app}/uwsgi.sock`;
}
