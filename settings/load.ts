import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { checkSettings } from "./checks";
import { keySchemaAt, knownKeys, schemaAt } from "./describe";
import { encryptionChecks, keptSecrets, secretKeyChecks, type SettingPath } from "./encrypted";
import type { Mistake } from "./mistake";
import { settingsSchema, type Settings } from "./schema";
import { settingText } from "./setting";
import { Sources } from "./source";

/** All mistakes in the settings, ready to be shown. */
export class SettingsError extends Error {
  constructor(readonly mistakes: readonly string[]) {
    const what = mistakes.length === 1 ? "A setting is wrong." : `${mistakes.length} settings are wrong.`;
    super(
      [
        `${what} Nothing was changed.`,
        ...mistakes,
        "To change a setting, run: pulumi config set --path 'KEY' VALUE (docs/settings.md lists all settings)",
      ].join("\n"),
    );
    this.name = "SettingsError";
  }
}

export interface RawSettings {
  /** The project's name: the namespace of its keys. */
  project: string;
  /** All configuration values of the stack by their full keys (`project:key`), as the engine passes them. */
  config: Readonly<Record<string, string>>;
  /** Whether a full key holds a secret: then no value in it is ever shown. */
  isSecret: (key: string) => boolean;
  /** What the stack's file has encrypted, by path below the project's namespace. Default: nothing */
  encrypted?: readonly SettingPath[];
  /** Folder that paths in the settings are relative to. */
  folder: string;
  /** Lists the apps' code, and keeps the lists for who packs it. Default: for this check only */
  sources?: Sources;
}

/**
 * Reads a stack's settings.
 * @throws SettingsError with all mistakes
 */
export function loadSettings(raw: RawSettings): Settings {
  const { project, config, isSecret, encrypted = [], folder, sources = new Sources(folder) } = raw;
  const foreign = foreignSettings(project, config);
  if (foreign.length > 0) throw new SettingsError(foreign);
  const values = parseValues(project, config);
  const parsed = settingsSchema.safeParse(values);
  const mistakes = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue, values)),
    ...checkSettings(values, folder, sources),
    ...encryptionChecks(values, encrypted),
  ];
  const isWrong = (key: string) => mistakes.some(({ path }) => path[0] === key);
  mistakes.push(...secretKeyChecks(values, (key) => isSecret(`${project}:${key}`) && !isWrong(key)));
  if (parsed.success && mistakes.length === 0) return parsed.data;

  const shownValue = (value: unknown, path: readonly PropertyKey[]) => {
    const setting = settingText(schemaAt(path, values));
    if (isSecret(`${project}:${String(path[0])}`) || setting?.secret) return "[secret]";
    // What holds settings holds secrets, too, and nobody knows where in a wrong form.
    return setting ? JSON.stringify(value) : formOf(value);
  };
  throw new SettingsError(
    mistakes.map(({ path, value, text, fix }) => {
      const shown = value === undefined ? "" : `${shownValue(value, path)} `;
      return mistakeText(keyText(path), `${shown}${text}`, fix);
    }),
  );
}

function formOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return Object.keys(value).length === 0 ? "an empty map" : "a map";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}

function mistakeText(key: string, text: string, fix: string): string {
  return `${key}: ${text}\n  Fix: ${fix}`;
}

/**
 * Secrets that are not encrypted in the stack's file, by the path that `pulumi config set --path` takes. The engine marks a
 * whole key as secret. If the stack's file has nothing encrypted in it, the key comes from another file (`--config-file`), and
 * nobody knows which of its secrets are encrypted.
 */
export function secretsInClear({ project, config, isSecret, encrypted = [] }: RawSettings): string[] {
  const values = parseValues(project, config);
  const isKnown = (key: string) => !isSecret(`${project}:${key}`) || encrypted.some(([first]) => first === key);
  const isEncrypted = (path: SettingPath) =>
    encrypted.some((outer) => outer.every((part, index) => String(part) === String(path[index])));
  return Object.entries(values)
    .filter(([key]) => isKnown(key))
    .flatMap(([key, value]) => keptSecrets(value, [key], values))
    .filter((path) => !isEncrypted(path))
    .map(keyText);
}

/**
 * Settings in the namespace of another project, left by a rename: without them the stack would use the defaults, which
 * means another server. A provider's setting of the same name is plain text, so structured values are ours.
 */
function foreignSettings(project: string, config: RawSettings["config"]): string[] {
  return Object.entries(config).flatMap(([key, text]) => {
    const [namespace = "", name = ""] = key.split(":");
    const value = parseJson(text);
    if (namespace === project || !Object.hasOwn(settingsSchema.shape, name) || typeof value !== "object") return [];
    return [mistakeText(key, `the project's name is ${project} (Pulumi.yaml).`, `rename it to ${project}:${name}.`)];
  });
}

/** The engine passes structured values as JSON and all others as plain text. */
function parseValues(project: string, config: RawSettings["config"]): Record<string, unknown> {
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${project}:`));
  return Object.fromEntries(own.map(([key, text]) => [key.slice(project.length + 1), parseJson(text)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function explain(issue: z.core.$ZodIssue, values: unknown): Mistake[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownSetting([...path, key], values));
  if (issue.code === "invalid_key") {
    const keys = keySchemaAt(path.slice(0, -1), values);
    const allowed = (keys && settingText(keys)?.allowed) ?? "another name";
    return [{ path, text: "invalid name.", fix: `rename it to ${allowed}.` }];
  }
  const schema = schemaAt(path, values);
  const text = settingText(schema);
  if (issue.code === "invalid_union" && schema instanceof z.ZodObject) {
    const inner = schema.safeParse(valueAt(values, path)).error?.issues ?? [];
    return inner.flatMap((it) => explain({ ...it, path: [...path, ...it.path] }, values));
  }
  const value = valueAt(values, path);
  const fix = `set it to ${text?.allowed ?? "a map with at least one entry"}.`;
  if (value !== undefined) return [{ path, value, text: "is not allowed.", fix }];
  const siblings = valueAt(values, path.slice(0, -1)) as Readonly<Record<string, unknown>>;
  return [{ path, ...(text?.missing?.(siblings) ?? { text: "required, but not set.", fix }) }];
}

function unknownSetting(path: PropertyKey[], values: unknown): Mistake {
  const known = knownKeys(path.slice(0, -1), values);
  return {
    path,
    text: `unknown setting. Known here: ${known.join(", ")}.`,
    fix: `correct the name (nearest: ${closest(String(path.at(-1)), known)}), or remove it.`,
  };
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], values);
}

/** A path as `pulumi config set --path` takes it, e.g. `apps.hello.domains[0]`, `apps["a b"]`. */
function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      const name = String(part);
      if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}
