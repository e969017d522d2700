import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "./errors.mjs";

/**
 * The oldest engine that works here. Pulumi's engine and SDK of one major version work together; 3.188.0 is the first
 * with `stack rm --remove-backups`, without which `destroy` would leave files behind.
 */
export const oldestEngine = "3.188.0";

/**
 * package.json is the one place that says which versions are used: the engine has the version of its SDK, a plugin that
 * of its package.
 * @param {string} root
 * @param {string} name an npm package among the dependencies
 */
export function pinnedVersion(root, name) {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const version = dependencies?.[name];
  if (typeof version !== "string" || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`package.json must pin ${name} to an exact version, but has ${JSON.stringify(version)}`);
  }
  return version;
}

/**
 * @param {string} found what `pulumi version` printed, such as "v3.250.1-alpha.2"
 * @param {string} wanted "3.188.0"
 */
export function isAtLeast(found, wanted) {
  const [major, ...rest] = numbers(found);
  const [wantedMajor, ...wantedRest] = numbers(wanted);
  if (major === undefined || major !== wantedMajor) return false;
  const difference = rest.map((part, index) => part - (wantedRest[index] ?? 0)).find((d) => d !== 0);
  return (difference ?? 0) >= 0;
}

/** What the packages of the tests ask for, for a person. */
export const nodeOfTests = "20.19, 22.13, or 24 or newer";

/**
 * @param {string} version of Node
 * @param {string} command of ours
 */
export function requireNode(version, command) {
  const [major = 0, minor = 0] = numbers(version);
  const isForTests = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24;
  const what = `This is Node ${version}.`;
  if (major < 20) throw new UserError(what, "Install Node 20 or newer (https://nodejs.org).");
  if ((command === "test" || command === "check") && !isForTests)
    throw new UserError(what, `The tests' tools need Node ${nodeOfTests} (https://nodejs.org).`);
}

/** @param {string} version */
function numbers(version) {
  return (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version.trim()) ?? []).slice(1).map(Number);
}
