import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../common/errors";
import { isAlive } from "../common/run";
import { say } from "../common/steps";

/** What the engine writes. */
export interface Lock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

interface StackLocks {
  readonly project: string;
  readonly stack: string;
  readonly backendUrl: string;
  /** Ends what the dead engine has left and removes its lock. */
  readonly clear: () => Promise<void>;
}

/**
 * An engine that was killed leaves its lock behind, which stops the next one. The lock is removed if its process is
 * certainly dead; otherwise it is an error. Other backends than a folder report their locks themselves.
 */
export async function clearStaleLock({ project, stack, backendUrl, clear }: StackLocks): Promise<void> {
  if (!backendUrl.startsWith("file://")) return;
  const locks = readLocks(lockFolder(fileURLToPath(backendUrl), project, stack));
  const [first] = locks;
  if (!first) return;
  const held = locks.find((lock) => isHeld(lock));
  if (held) throw lockError(held, stack);
  say(`The pulumi process ${first.pid} that worked on stack ${stack} is dead. Removing its lock (pulumi cancel).`);
  await clear();
}

export function lockFolder(state: string, project: string, stack: string): string {
  return join(state, ".pulumi", "locks", "organization", project, stack);
}

function readLocks(folder: string): Lock[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(folder, name), "utf8")) as Lock];
      } catch {
        return []; // being written or removed at this moment: the engine checks again
      }
    });
}

/** A lock of another computer (a shared folder) counts as held, because its process cannot be seen. */
export function isHeld(lock: Lock, thisComputer = hostname()): boolean {
  return lock.hostname !== thisComputer || (isAlive(lock.pid) && isEngine(lock.pid));
}

/** The process id may have been reused by another program. */
function isEngine(pid: number): boolean {
  const name = `/proc/${pid}/comm`;
  return !existsSync(name) || readFileSync(name, "utf8").trim() === "pulumi";
}

/** The holder of a lock, from the engine's error. Pulumi Cloud does not name it. */
export function lockIn(text: string): Pick<Lock, "pid" | "hostname" | "timestamp"> | undefined {
  const [, computer = "", pid, timestamp = ""] = /created by \S*@(\S+) \(pid (\d+)\) at (\S+)/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), hostname: computer, timestamp };
}

export function lockError(lock: ReturnType<typeof lockIn>, stack: string): UserError {
  const isHere = lock?.hostname === hostname();
  const where = lock && !isHere ? ` on ${lock.hostname}` : "";
  const who = lock ? ` (process ${lock.pid}${where}, since ${lock.timestamp.slice(0, 19).replace("T", " ")})` : "";
  return new UserError(
    `Another pulumi${who} is working on stack ${stack}. Nothing was changed.`,
    isHere
      ? "wait until it has ended, or stop it; then run the same command again."
      : [
          "wait until it has ended. Check whether it is still running: on that computer, or on the Actions page of the GitHub repository.",
          `only if it has certainly ended, run: eval "$(npm run --silent env)"; pulumi cancel --stack ${stack}`,
          `then check what it had started: npm run preview -- ${stack} --refresh`,
        ],
  );
}
