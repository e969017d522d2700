import { placeholderPattern, type PipSettings } from "../settings/pip";
import { indexVariables } from "./requirements";

/**
 * What only pip gets to know, as lines of a file for pip.sh:
 *   set NAME=VALUE   a variable of its environment
 *   netrc LINE       credentials of an index
 *   hide TEXT        what is not shown in its output
 *
 * pip passes the URLs of indexes on to the processes that build packages, as arguments, which everybody on the server can
 * see. So a user name and a password are taken out of them, if a netrc file can hold them.
 */
export function pipSecretLines(pip: PipSettings): string[] {
  const netrc = new Map<string, string>();
  const fill = (url: string) => withoutCredentials(url, pip.secrets, netrc);
  const filled = indexVariables({
    ...(pip.index === undefined ? {} : { index: fill(pip.index) }),
    extraIndexes: pip.extraIndexes.map(fill),
  });
  const variables = [...Object.entries(pip.secrets).map(([name, value]) => `${name}=${value}`), ...filled.split("\n")];
  const hidden = [...new Set(Object.values(pip.secrets).flatMap(variants))].sort((a, b) => b.length - a.length);
  return [
    ...variables.filter(Boolean).map((line) => `set ${line}`),
    ...[...netrc].map(([host, it]) => `netrc machine ${host} ${it}`),
    ...hidden.map((it) => `hide ${it}`),
  ];
}

/** The lines as a file for keep-secrets.sh. */
export function pipSecretFile(lines: readonly string[], fingerprint: string): string {
  return [`# ${fingerprint}`, ...lines, `# end of ${fingerprint}`, ""].join("\n");
}

type Values = Readonly<Record<string, string>>;

function withoutCredentials(url: string, secrets: Values, netrc: Map<string, string>): string {
  const [, scheme = "", user = "", password = "", host = "", rest = ""] =
    /^(https?:\/\/)(?:([^@/:]+):([^@/:]+)@)?([\w.-]+)([^]*)$/.exec(url) ?? [];
  // What is written in a URL is encoded, and in a netrc file it is not.
  const credentials = `login ${fillIn(decoded(user), secrets, asIs)} password ${fillIn(decoded(password), secrets, asIs)}`;
  // Pythons differ in how they read quotes and backslashes in a netrc file, and older ones know only ASCII.
  const fits = password !== "" && /^[!#-&(-[\]-~ ]+$/.test(credentials) && credentials.split(" ").length === 4;
  if (!fits || (netrc.has(host) && netrc.get(host) !== credentials)) return fillIn(url, secrets, encodeURIComponent);
  netrc.set(host, credentials);
  return scheme + host + fillIn(rest, secrets, encodeURIComponent);
}

const asIs = (value: string) => value;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fillIn(text: string, secrets: Values, write: (value: string) => string): string {
  return text.replace(placeholderPattern, (_, name: string) => write(secrets[name] ?? ""));
}

/** A value as pip and what it calls may print it: as it is, and encoded in the ways of Python's urllib. */
function variants(value: string): string[] {
  const encoded = encodeURIComponent(value);
  const strict = encoded.replace(/[!'()*~]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [encoded, strict, strict.replaceAll("%7E", "~")];
  const all = [value, ...forms, ...forms.map((it) => it.replaceAll("%2F", "/"))];
  return [...all, ...all.map((it) => it.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}
