import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.mjs";
import { isAlive } from "./run.mjs";
import { say } from "./steps.mjs";

/** @typedef {{ pid: number, username: string, hostname: string, timestamp: string }} Lock what the engine writes */

/**
 * An engine that was killed leaves its lock behind, and no other starts until someone removes it. This does, when the
 * process that holds the lock is gone for sure; otherwise it is an error, and nothing is touched.
 *
 * @param {{ project: string, stack: string, backendUrl: string, cancel: () => Promise<void> }} options
 */
export async function clearStaleLock({ project, stack, backendUrl, cancel }) {
  if (!backendUrl.startsWith("file://")) return; // other backends keep their locks elsewhere
  const locks = readLocks(lockFolder(fileURLToPath(backendUrl), project, stack));
  const [first] = locks;
  if (!first) return;
  const held = locks.find((lock) => isHeld(lock));
  if (held) throw new UserError(...describe(held, stack));
  say(`The pulumi process ${first.pid} that was working on stack ${stack} is gone: removing its lock (pulumi cancel).`);
  await cancel();
}

/**
 * @param {string} state
 * @param {string} project
 * @param {string} stack
 */
export function lockFolder(state, project, stack) {
  return join(state, ".pulumi", "locks", "organization", project, stack);
}

/**
 * @param {string} folder
 * @returns {Lock[]}
 */
export function readLocks(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(folder, name), "utf8"))];
      } catch {
        return []; // removed meanwhile, or being written this instant: the engine looks again itself
      }
    });
}

/**
 * On another machine (the same folder mounted twice) nothing can be known, so the lock counts as held.
 * @param {Lock} lock
 * @param {string} [thisHost]
 */
export function isHeld(lock, thisHost = hostname()) {
  if (lock.hostname !== thisHost) return true;
  return isAlive(lock.pid) && isEngine(lock.pid);
}

/**
 * A number may have gone to another process since.
 * @param {number} pid
 */
function isEngine(pid) {
  const name = `/proc/${pid}/comm`;
  return !existsSync(name) || readFileSync(name, "utf8").trim() === "pulumi";
}

/**
 * The lock that the engine's error tells of, on whatever backend: some write who holds it, Pulumi Cloud does not.
 * @param {string} stderr
 * @param {string} stack
 */
export function lockError(stderr, stack) {
  if (!/the stack is currently locked by|Another update is currently in progress/.test(stderr)) return undefined;
  const [, hostname = "", pid, timestamp = ""] = /created by \S*@(\S+) \(pid (\d+)\) at (\S+)/.exec(stderr) ?? [];
  return new UserError(...describe(pid ? { pid: Number(pid), hostname, timestamp } : undefined, stack));
}

/**
 * @param {Pick<Lock, "pid" | "hostname" | "timestamp"> | undefined} lock
 * @param {string} stack
 * @returns {[string, string]}
 */
function describe(lock, stack) {
  const isHere = lock?.hostname === hostname();
  const where = lock && !isHere ? ` on ${lock.hostname}` : "";
  const who = lock ? ` (process ${lock.pid}${where}, since ${lock.timestamp.slice(0, 19).replace("T", " ")})` : "";
  return [
    `Another pulumi${who} is working on stack ${stack}; nothing was touched.`,
    isHere
      ? "Wait for it, or stop it, then run the same command again."
      : [
          "Wait for it. See whether it still runs: on that machine, or on GitHub's page Actions the runs of this repository.",
          `Only if it is gone for sure: eval "$(npm run --silent env)"; pulumi cancel --stack ${stack}`,
          `Then look at what it had begun: npm run preview -- ${stack} --refresh`,
        ].join("\n"),
  ];
}
