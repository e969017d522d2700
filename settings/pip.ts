import { z } from "zod";
import { setting, textOrNumber } from "./setting";

/** What pip fills in from its environment. */
export const placeholderPattern = /\$\{([A-Z0-9_]+)\}/g;

/** Names of the placeholders in a text. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(placeholderPattern)].map(([, name = ""]) => name);
}

const placeholder = placeholderPattern.source;
/** A password or a token is never in clear: it is a placeholder. */
const indexUrl = () =>
  z
    .string()
    .regex(
      new RegExp(
        `^https?://((${placeholder}|[\\w.~%+-]+):${placeholder}@|${placeholder}:?@)?[\\w.-]+(:\\d+)?(/([\\w.~%+/-]|${placeholder})*)?$`,
      ),
    );
const allowed =
  "a URL (http or https). In place of a password or a token write ${NAME}, and set its value with pip.secrets.NAME";

// pip takes PIP_… for its own options. The others have a meaning for the shell, for Python or for downloads.
const namePattern =
  /^(?!PIP_|LC_|LD_|BASH|PYTHON|SSL_|GIT_|(.*_PROXY|PATH|HOME|IFS|UID|EUID|PPID|LANG|SHELL|SHELLOPTS|ENV|NETRC|COLUMNS|TMPDIR|CC|CXX|CFLAGS|CPPFLAGS|LDFLAGS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$)[A-Z][A-Z0-9_]{0,63}$/;

/** Whether a secret of pip may have this name. */
export const isSecretName = (name: string) => namePattern.test(name);

const secretName = setting(z.string().regex(namePattern), {
  meaning: "Name of a secret that pip needs: `${NAME}` in a URL of an index, or in a requirements file.",
  allowed: "capital letters, digits and _, not a name that pip or the shell uses",
  placeholder: "NAME",
});

const secretValue = setting(textOrNumber(z.string().regex(/^[!-~\u00a1-\uffff]{4,4000}$/)), {
  meaning:
    "Its value, as a secret (`--secret`). pip gets it, and so does the code of packages that it builds; the app does not.",
  allowed: "a text of 4 to 4000 characters without blanks",
  secret: true,
});

/** Where an app's requirements come from. */
export const pipSchema = z
  .strictObject({
    index: setting(indexUrl().optional(), {
      meaning: "Package index for the app's requirements, instead of `server.pipIndex`.",
      allowed,
      secret: "accidentally",
      defaultText: "`server.pipIndex`",
    }),
    extraIndexes: setting(z.array(indexUrl()).default([]), {
      meaning:
        "More package indexes. pip takes the newest version that any index has, so a public index must not have other packages of " +
        "the same names.",
      allowed: `a list; each is ${allowed}`,
      secret: "accidentally",
    }),
    secrets: z.record(secretName, secretValue).default({}),
  })
  .prefault({});

export type PipSettings = z.output<typeof pipSchema>;
