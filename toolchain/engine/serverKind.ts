import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import type { ServerKind } from "../../servers/kind";
import { kindNamed } from "../../servers/registry";

/**
 * The kind of server that a stack's settings ask for. It decides what must be installed on your computer and which hints
 * explain an error. The program reports mistakes in the settings, so with those it is the default.
 */
export function serverKind(root: string, stack: string): Pick<ServerKind, "plugins" | "needsContainers" | "hints"> {
  const file = join(root, `Pulumi.${shortName(stack)}.yaml`);
  return kindNamed(serverSettings(existsSync(file) ? readFileSync(file, "utf8") : undefined).kind);
}

interface ServerSettings {
  readonly kind?: string;
  readonly user?: string;
  /** Encrypted, or in plain text. */
  readonly sudoPassword?: unknown;
}

/** The setting `server` in the text of a stack's file, as it is. */
export function serverSettings(text: string | undefined): ServerSettings {
  if (text === undefined) return {};
  try {
    const { config = {} } = load(text) as { config?: Record<string, ServerSettings | null> };
    const setting = Object.keys(config).find((key) => /^([^:]+:)?server$/.test(key)) ?? "";
    return config[setting] ?? {};
  } catch {
    return {}; // invalid YAML: the engine names the line
  }
}

/** "prod" of "organisation/project/prod". */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}
