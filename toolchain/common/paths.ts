import { homedir } from "node:os";
import { join } from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Every path that the toolchain writes to. `.local/` belongs to one checkout and is ignored by git. The cache is shared
 * by all checkouts of a user and holds only what can be downloaded or built again.
 */
export function paths(root: string, env: Env = process.env) {
  const local = join(root, ".local");
  const cache = join(orDefault(env.XDG_CACHE_HOME, join(homedir(), ".cache")), "uwsgi-nginx");
  return {
    local,
    /** The engine and the language host, unless they are installed on this computer. */
    bin: join(local, "bin"),
    /** PULUMI_HOME: plugins and the name of the selected stack. */
    pulumiHome: join(local, "pulumi-home"),
    /** The folder behind PULUMI_BACKEND_URL. */
    state: join(local, "state"),
    passphrase: join(local, "passphrase"),
    /** Keys and known hosts, one folder per stack. The program writes them. */
    servers: join(local, "servers"),
    /** How to run containers on this computer. The program reads it (servers/container/server.ts). */
    containers: join(local, "containers.json"),
    /** One marker per stack: what existed before it. */
    stacks: join(local, "stacks"),
    /** Output of long steps, shown when one fails. */
    logs: join(local, "logs"),
    /** Marker: hash of the sources that last passed the type check. */
    typesChecked: join(local, "types-checked"),
    /** Marker: its time says when Pulumi's download site was last unreachable. */
    offline: join(local, "offline"),
    /** Marker: the pulumi on PATH that is too old. */
    tooOld: join(local, "pulumi-too-old"),
    cache,
    engines: join(cache, "engine"),
  };
}

/** An empty variable counts as unset. */
export function orDefault(value: string | undefined, fallback: string): string {
  return value === undefined || value === "" ? fallback : value;
}

/** The folder of the user's own plugins and login. It is read and never written. */
export function userPulumiHome(env: Env, projectHome: string): string {
  return env.PULUMI_HOME && env.PULUMI_HOME !== projectHome ? env.PULUMI_HOME : join(homedir(), ".pulumi");
}
