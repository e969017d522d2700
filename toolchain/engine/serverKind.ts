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
  return kindNamed(kindName(join(root, `Pulumi.${shortName(stack)}.yaml`)));
}

function kindName(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { config = {} } = load(readFileSync(file, "utf8")) as { config?: Record<string, { kind?: string } | null> };
    const setting = Object.keys(config).find((key) => /^([^:]+:)?server$/.test(key)) ?? "";
    return config[setting]?.kind;
  } catch {
    return undefined; // invalid YAML: the engine names the line
  }
}

/** "prod" of "organisation/project/prod". */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}
