import { z } from "zod";
import { setting, textOrNumber } from "./setting";

/** Bytes. Linux allows 128 KB for a variable with its name (execve(2)). */
const longest = 100 * 1024;

// uWSGI takes UWSGI_… for its own options. The others have a meaning of their own in the shell that starts a trial.
const namePattern =
  /^(?!UWSGI_|BASH|(UID|EUID|PPID|GROUPS|SHELLOPTS|DIRSTACK|FUNCNAME|RANDOM|SECONDS|LINENO|HISTCMD|IFS|_)$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;
// systemd drops a variable with another control character (systemd.exec(5)).
// eslint-disable-next-line no-control-regex
const valuePattern = /^[^\u0000-\u0008\u000b-\u001f\u007f]*$/;

const secretName = setting(z.string().regex(namePattern), {
  meaning: "Name of an environment variable with a secret value.",
  allowed: "a variable's name: letters, digits and _, not one of the shell's own and not UWSGI_…",
  placeholder: "NAME",
});

const secretValue = setting(
  textOrNumber(
    z
      .string()
      .regex(valuePattern)
      .refine((value) => Buffer.byteLength(value) <= longest),
  ),
  {
    meaning: "Its value, as a secret (`--secret`). The app gets it in its environment; a change restarts the app.",
    allowed: "a text of at most 100 KB, without control characters other than tab and line feed",
    secret: true,
  },
);

/** Environment variables of an app whose values are secret. */
export const secretsSchema = z.record(secretName, secretValue).default({});

export type Secrets = Readonly<z.output<typeof secretsSchema>>;
