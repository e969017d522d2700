import { schemaAt } from "./describe";
import type { Mistake } from "./mistake";
import { settingText } from "./setting";

/** Where a value is in the settings, below the project's namespace. */
export type SettingPath = readonly (string | number)[];

/**
 * The values that a stack's file has encrypted. The engine passes them decrypted, and says of each top-level key only whether
 * something in it is a secret.
 * @param config the part `config` of the file
 */
export function encryptedPaths(project: string, config: unknown): SettingPath[] {
  return entriesOf(config).flatMap(([key, value]) => {
    const parts = String(key).split(":");
    const [name = ""] = parts.slice(-1);
    const isOurs = parts.length === 1 || parts[0] === project;
    return isOurs ? encryptedIn(value, [name]) : [];
  });
}

function encryptedIn(value: unknown, path: SettingPath): SettingPath[] {
  const entries = entriesOf(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") return [path];
  return entries.flatMap(([key, inner]) => encryptedIn(inner, [...path, key]));
}

function entriesOf(value: unknown): (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((inner, index) => [index, inner] as const);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

const shown = "The state, previews and files on the server show it.";

/**
 * Settings that are set as secrets, but are none to this program. It is better to refuse them than to show what their user
 * wanted to hide.
 * @param encrypted what the stack's file has encrypted
 */
export function encryptionChecks(values: unknown, encrypted: readonly SettingPath[]): Mistake[] {
  return encrypted.flatMap((path) => pathChecks(path, values));
}

/**
 * The same for secrets that are not in the stack's file, as with `--config-file`. All that is known of them is the top-level
 * key that they are in, so they are found only if nothing in it is kept secret.
 */
export function secretKeyChecks(
  values: Readonly<Record<string, unknown>>,
  isSecret: (key: string) => boolean,
): Mistake[] {
  return Object.entries(values)
    .filter(([key, value]) => isSecret(key) && keptSecrets(value, [key], values).length === 0)
    .map(([key]) => ({
      path: [key],
      text: `something in it is set as a secret, but nothing in it is kept secret. ${shown}`,
      fix: "remove passwords from it, and set it without --secret.",
    }));
}

function pathChecks(path: SettingPath, values: unknown): Mistake[] {
  const text = settingText(schemaAt(path, values));
  if (text?.secret === true) return [];
  if (text) {
    const isVariable = path.length === 4 && path[2] === "environment";
    const fix = isVariable
      ? `set it as ${path[0]}.${path[1]}.secrets.${path[3]} instead, and remove it here.`
      : "remove any password from it, and set it without --secret.";
    return [{ path, text: `set as a secret, but it is not kept secret. ${shown}`, fix }];
  }
  // A setting that does not exist is reported as such.
  if (path.length > 1) return [];
  const fix =
    "set the settings in it one by one with --path, and with --secret only those that docs/settings.md calls secrets.";
  return [{ path, text: `set as a single secret, but not all of it is kept secret. ${shown}`, fix }];
}

/** What of a value at a path this program keeps secret, by path. */
export function keptSecrets(value: unknown, path: SettingPath, values: unknown): SettingPath[] {
  const entries = entriesOf(value);
  if (entries.length === 0) return settingText(schemaAt(path, values))?.secret === true ? [path] : [];
  return entries.flatMap(([key, inner]) => keptSecrets(inner, [...path, key], values));
}
