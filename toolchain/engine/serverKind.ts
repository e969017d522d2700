import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";

/**
 * The kind of server that a stack's settings ask for: it decides what must be installed on your computer. Mistakes in the
 * settings are reported by the program.
 */
export function serverKind(root: string, stack: string): string {
  const file = join(root, `Pulumi.${shortName(stack)}.yaml`);
  if (!existsSync(file)) return "container";
  try {
    const { config = {} } = load(readFileSync(file, "utf8")) as { config?: Record<string, { kind?: string } | null> };
    const setting = Object.keys(config).find((key) => /^([^:]+:)?server$/.test(key)) ?? "server";
    return config[setting]?.kind ?? "container";
  } catch {
    return "container"; // invalid YAML: the engine names the line
  }
}

/** "prod" of "organisation/project/prod". */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}
