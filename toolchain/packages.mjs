import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runLogged } from "./run.mjs";
import { places } from "./paths.mjs";
import { step } from "./steps.mjs";

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage */
/** @typedef {{ packages?: Record<string, LockedPackage> }} Lock */

/**
 * Installs the locked npm packages, unless node_modules holds just these.
 * @param {string} root
 */
export async function preparePackages(root) {
  const wanted = readLock(join(root, "package-lock.json"));
  // npm writes this file last, so an interrupted installation has none.
  const installed = readLock(join(root, "node_modules", ".package-lock.json"));
  if (installed && wanted && isInstalled(wanted, installed)) return;
  await step("packages (npm ci)", () =>
    runLogged("npm", ["ci"], { cwd: root, log: join(places(root).logs, "npm-ci.log") }),
  );
}

/**
 * @param {Lock} wanted package-lock.json
 * @param {Lock} installed what npm notes down in node_modules
 */
export function isInstalled(wanted, installed) {
  const locked = { ...wanted.packages };
  delete locked[""]; // the project itself
  const present = installed.packages ?? {};
  return (
    Object.keys(present).every((name) => name in locked) &&
    Object.entries(locked).every(([name, { version, integrity, optional }]) => {
      const found = present[name];
      if (!found) return optional === true; // for another platform
      return found.version === version && found.integrity === integrity;
    })
  );
}

/**
 * @param {string} file
 * @returns {Lock | undefined}
 */
function readLock(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
