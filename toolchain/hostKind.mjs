import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shortName } from "./stack.mjs";

/**
 * What kind of server a stack's settings ask for: it decides what this machine must have. The settings themselves are the
 * program's business, so what is wrong about them is not told here.
 *
 * @param {string} root
 * @param {string} stack
 * @returns {Promise<string>}
 */
export async function hostKind(root, stack) {
  const file = join(root, `Pulumi.${shortName(stack)}.yaml`);
  if (!existsSync(file)) return "container";
  const { load } = await import("js-yaml"); // not at the top: it may not be installed by then
  try {
    const { config = {} } = /** @type {any} */ (load(readFileSync(file, "utf8")));
    // With the project's name before it, or without.
    const server = Object.keys(config).find((key) => /^([^:]+:)?server$/.test(key)) ?? "server";
    return String(config[server]?.kind ?? "container");
  } catch {
    return "container"; // no YAML: the engine says where
  }
}
