import { closest } from "fastest-levenshtein";
import type { z } from "zod";
import { crossChecks } from "./crossChecks";
import { knownKeys, schemaAt } from "./describe";
import { settingsSchema, type Settings } from "./schema";
import { settingText } from "./setting";

/** One mistake: where, and what to say of it. The value stands apart, for it may be a secret. */
export interface Mistake {
  path: readonly PropertyKey[];
  value?: unknown;
  text: string;
}

/** All mistakes of the settings, one line each; the text is made to be shown as it is. */
export class SettingsError extends Error {
  constructor(readonly mistakes: readonly string[]) {
    const what = mistakes.length === 1 ? "A setting is wrong" : `${mistakes.length} settings are wrong`;
    super(
      [
        `${what}; nothing was changed:`,
        ...mistakes.map((mistake) => `  - ${mistake}`),
        "Change a setting with: pulumi config set --path 'KEY' VALUE (README.md, Settings, lists them all)",
      ].join("\n"),
    );
    this.name = "SettingsError";
  }
}

export interface RawSettings {
  /** The project's name: the namespace of its keys. */
  project: string;
  /** Every configuration value of the stack by its full key (`project:key`), as the engine hands it over. */
  config: Readonly<Record<string, string>>;
  /** Whether a full key holds a secret: then no value in it is ever shown. */
  isSecret: (key: string) => boolean;
  /** Folder that paths in the settings are relative to. */
  folder: string;
}

/**
 * Reads a stack's settings.
 * @throws SettingsError with every mistake there is
 */
export function loadSettings({ project, config, isSecret, folder }: RawSettings): Settings {
  const foreign = foreignSettings(project, config);
  if (foreign.length > 0) throw new SettingsError(foreign);
  const values = parseValues(project, config);
  const parsed = settingsSchema.safeParse(values);
  const mistakes = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue, values)),
    ...crossChecks(values, folder),
  ];
  if (parsed.success && mistakes.length === 0) return parsed.data;

  throw new SettingsError(
    mistakes.map(({ path, value, text }) => {
      const secret = isSecret(`${project}:${String(path[0])}`) || settingText(schemaAt(path, values))?.secret;
      const shown = value === undefined ? "" : `${secret ? "[secret]" : JSON.stringify(value)} `;
      return `${project}:${keyText(path)}: ${shown}${text}`;
    }),
  );
}

/**
 * Secrets that stand unencrypted in the stack's file, by the path that `pulumi config set --path` takes. Beside a secret in
 * the same key none is found, for the engine calls the whole key one.
 */
export function secretsInClear({ project, config, isSecret }: RawSettings): string[] {
  const values = parseValues(project, config);
  return Object.entries(values)
    .filter(([key]) => !isSecret(`${project}:${key}`))
    .flatMap(([key, value]) => leaves(value, [key]))
    .filter((path) => settingText(schemaAt(path, values))?.secret === true)
    .map(keyText);
}

function leaves(value: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/**
 * Settings that a project of another name has left: without them the stack would have their defaults, another server. A
 * provider's setting of the same name is a text.
 */
function foreignSettings(project: string, config: RawSettings["config"]): string[] {
  return Object.entries(config).flatMap(([key, text]) => {
    const [namespace = "", name = ""] = key.split(":");
    const value = parseJson(text);
    if (namespace === project || !(name in settingsSchema.shape) || typeof value !== "object") return [];
    return [`${key}: the project's name is ${project} (Pulumi.yaml): rename this setting to ${project}:${name}`];
  });
}

/** Turns the engine's texts into values: a structured one arrives as JSON, a plain one as it is. */
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
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path, values);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      text: `unknown setting; did you mean "${closest(key, known)}"? Known here: ${known.join(", ")}`,
    }));
  }
  if (issue.code === "invalid_key") {
    return [{ path: issue.path, text: "the name must be at most 31 of a-z, 0-9 and -, starting with a letter" }];
  }
  const { allowed, missing } = settingText(schemaAt(issue.path, values)) ?? {
    allowed: "a map of settings, and not an empty one",
  };
  const value = valueAt(values, issue.path);
  if (value === undefined) {
    const beside = valueAt(values, issue.path.slice(0, -1)) as Readonly<Record<string, unknown>>;
    return [{ path: issue.path, text: missing?.(beside) ?? `is missing: it must be ${allowed}` }];
  }
  return [{ path: issue.path, value, text: `is not allowed: it must be ${allowed}` }];
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
