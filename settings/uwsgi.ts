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
    meaning: "Linux user that runs the app; created if it does not exist. Never root.",
    allowed: "a Linux user name other than root, at most 32 of a-z, 0-9, _ and -",
    defaultText: "the app's name",
  }),
  socket: setting(
    z
      .string()
      .regex(/^\/run\/[a-z0-9][a-z0-9-]{0,63}\/[a-z0-9][a-z0-9.-]{0,30}\.sock$/)
      .optional(),
    {
      meaning: "Unix socket between nginx and uWSGI, in a folder of its own that systemd creates.",
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
    meaning: "Stop uWSGI on SIGTERM instead of reloading it. Without it, systemd sends SIGQUIT.",
    allowed: "true or false",
  }),
  stopTimeoutSeconds: setting(wholeNumber(1, 3600).default(10), {
    meaning: "Seconds that running requests have to finish when the app stops, before it is killed.",
    allowed: "a whole number from 1 to 3600",
  }),
};

/** What all apps of a server share. */
export const uwsgiSchema = z
  .strictObject({
    version: setting(textOrNumber(z.string().regex(/^\d+(\.\d+)+$/)).default("2.0.31"), {
      meaning: "Version of uWSGI, compiled once on the server for each Python.",
      allowed: "a version from PyPI, such as 2.0.31",
    }),
  })
  .prefault({});

/** The app's socket: the setting `socket`, or its default. */
export function socketPath(app: string, { socket }: { socket?: string }): string {
  return socket ?? `/run/uwsgi-${app}/uwsgi.sock`;
}
