import { z } from "zod";
import { setting, wholeNumber } from "./setting";

// systemd and the log would show other control characters as they are.
// eslint-disable-next-line no-control-regex
const line = /^(?=.*\S)[^\u0000-\u001f\u007f]*$/;

/** Lines of shell text. */
const commandLines = () => z.array(z.string().max(2000).regex(line)).max(50).default([]);

/** What an app does besides serving requests. */
export const commandsSchema = z
  .strictObject({
    build: setting(commandLines(), {
      meaning:
        "Commands that complete the code of each release before it is tried, such as `python manage.py collectstatic --noinput`. Only they can write into the code.",
      allowed: "a list of at most 50 shell commands, each on one line of at most 2000 characters",
    }),
    release: setting(commandLines(), {
      meaning:
        "Commands that run once for each release before it gets requests, such as `python manage.py migrate --noinput`. The old release is still live then.",
      allowed: "a list of at most 50 shell commands, each on one line of at most 2000 characters",
    }),
    timeoutSeconds: setting(wholeNumber(1, 86_400).default(600), {
      meaning: "Seconds that each command has.",
      allowed: "a whole number from 1 to 86400",
    }),
  })
  .prefault({});

export type Commands = z.output<typeof commandsSchema>;
