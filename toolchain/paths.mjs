import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this toolchain belongs to. */
export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Every place the toolchain writes to, in one table.
 *
 * `.local/` is private to a checkout and ignored by git. The cache is shared by all checkouts of a user, and holds only
 * what can be made again.
 *
 * @param {string} root the project's folder (where Pulumi.yaml is)
 * @param {Record<string, string | undefined>} [env]
 */
export function places(root, env = process.env) {
  const local = join(root, ".local");
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "uwsgi-nginx");
  return {
    local,
    /** the engine and the language host, when the machine has none of its own */
    bin: join(local, "bin"),
    /** PULUMI_HOME: plugins and the name of the current stack */
    pulumiHome: join(local, "pulumi-home"),
    /** the folder behind PULUMI_BACKEND_URL */
    state: join(local, "state"),
    passphrase: join(local, "passphrase"),
    /** what a stack's host needs on this machine: keys, known hosts; one folder a stack */
    servers: join(local, "servers"),
    /** how containers are run on this machine; the program reads it (servers/container/server.ts) */
    containers: join(local, "containers.json"),
    /** notes on what was made for a stack, one file a stack */
    stacks: join(local, "stacks"),
    /** output of the long steps, read when one fails */
    logs: join(local, "logs"),
    /** hash of the sources that last passed the type check */
    typesChecked: join(local, "types-checked"),
    /** its time says when Pulumi's download site was last found out of reach */
    offline: join(local, "offline"),
    /** names a pulumi on PATH that is too old to be used */
    tooOld: join(local, "pulumi-too-old"),
    cache,
    engines: join(cache, "engine"),
  };
}

/**
 * Where the user's own Pulumi keeps its plugins and log-in: read, never written.
 * @param {Record<string, string | undefined>} env
 * @param {string} ownHome the project's PULUMI_HOME, which is not the user's
 */
export function userPulumiHome(env, ownHome) {
  return env.PULUMI_HOME && env.PULUMI_HOME !== ownHome ? env.PULUMI_HOME : join(homedir(), ".pulumi");
}
