import { z } from "zod";
import { setting } from "./setting";

/** Bytes. Linux allows 128 KB for a variable with its name (execve(2)). */
const longest = 100 * 1024;

// uWSGI takes UWSGI_… for its own options. systemd and this project set some, and the others have a meaning of their own in the
// shell that starts a trial.
const namePattern =
  /^(?!UWSGI_|BASH|(APP_(NAME|DATA|RELEASE)|NOTIFY_SOCKET|LISTEN_(FDS|PID|FDNAMES)|UID|EUID|PPID|GROUPS|SHELLOPTS|DIRSTACK|FUNCNAME|RANDOM|SECONDS|LINENO|HISTCMD|IFS|_)$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const allowedName =
  "a variable's name: letters, digits and _, not one of the shell's or systemd's own, UWSGI_…, APP_NAME, APP_DATA or APP_RELEASE";
// systemd drops a variable with another control character (systemd.exec(5)).
// eslint-disable-next-line no-control-regex
const valuePattern = /^[^\u0000-\u0008\u000b-\u001f\u007f]*$/;

/** The name of an environment variable. */
export const variableName = () => z.string().regex(namePattern);

/** The value of an environment variable. YAML reads an unquoted 3 or true as something else; the variable is a text. */
export const variableValue = () =>
  z.preprocess(
    (value) => (typeof value === "number" || typeof value === "boolean" ? String(value) : value),
    z
      .string()
      .regex(valuePattern)
      .refine((value) => Buffer.byteLength(value) <= longest),
  );

/** Environment variables of an app. */
export const environmentSchema = z
  .record(
    setting(variableName(), {
      meaning: "Name of an environment variable.",
      allowed: allowedName,
      placeholder: "NAME",
    }),
    setting(variableValue(), {
      meaning:
        'Its value, in clear text: use `secrets` for passwords. A change restarts the app. Quote numbers whose form matters (`"1.10"`).',
      allowed: "a text of at most 100 KB, without control characters other than tab and line feed",
    }),
  )
  .default({});

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>;
