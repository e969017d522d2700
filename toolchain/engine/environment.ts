import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { delimiter } from "node:path";
import { pathToFileURL } from "node:url";
import { type Env, orDefault, paths, userPulumiHome } from "../common/paths";
import { which } from "../common/run";

/**
 * The variables that Pulumi needs for this project, and those to remove.
 *
 * - PULUMI_HOME is always the project's own, so that no offline plugin gets into the user's plugin folder.
 * - A PULUMI_BACKEND_URL in the environment wins (Pulumi Cloud, a bucket), with the user's login; its passphrase is then
 *   the user's too. What `pulumi login` has stored does not count: a first `npm start` must not use a cloud account.
 * - PULUMI_CONFIG_PASSPHRASE and PULUMI_CONFIG_PASSPHRASE_FILE win over the project's passphrase.
 * - The project's `bin` folder is last on PATH, so that a pulumi of the user's wins, unless it is too old.
 * - Values from `eval "$(npm run --silent env)"` in another checkout do not count as the user's.
 */
export function projectVariables(root: string, outer: Env = process.env) {
  const env = withoutOtherCheckout(root, outer);
  const own = paths(root, env);
  const backend = orDefault(env.PULUMI_BACKEND_URL, backendUrl(root));
  const set: Record<string, string> = {
    UWSGI_NGINX_CHECKOUT: root,
    PULUMI_HOME: own.pulumiHome,
    PULUMI_BACKEND_URL: backend,
    PULUMI_SKIP_UPDATE_CHECK: env.PULUMI_SKIP_UPDATE_CHECK ?? "true",
    // The language host reports every Pulumi package in node_modules as required. The engine would download all of their
    // plugins, or try for seconds without internet access. plugins.ts installs those that are used.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION ?? "true",
    PATH: pathWith(own.bin, env.PATH ?? "", isTooOld(which("pulumi", env.PATH, [own.bin]), own.tooOld)),
  };
  if (backend !== backendUrl(root)) {
    set.PULUMI_CREDENTIALS_PATH = env.PULUMI_CREDENTIALS_PATH ?? userPulumiHome(env, own.pulumiHome);
    // The engine writes the whole state after each step, to a bucket over the network. It reads compressed and plain ones.
    set.PULUMI_DIY_BACKEND_GZIP = env.PULUMI_DIY_BACKEND_GZIP ?? "true";
  } else if (env.PULUMI_CONFIG_PASSPHRASE === undefined) {
    set.PULUMI_CONFIG_PASSPHRASE_FILE = env.PULUMI_CONFIG_PASSPHRASE_FILE ?? own.passphrase;
  }
  const unset = Object.keys(outer).filter((name) => env[name] === undefined && !(name in set));
  // The command plugin connects to this socket even if it has a private key, and fails if there is no answer:
  // https://github.com/pulumi/pulumi-command/blob/v1.2.1/provider/pkg/provider/remote/connection.go
  if (env.SSH_AUTH_SOCK && !agentAnswers(env)) unset.push("SSH_AUTH_SOCK");
  return { set, unset };
}

/** The whole environment of a child process. */
export function environment(root: string, outer: Env = process.env): Record<string, string> {
  const { set, unset } = projectVariables(root, outer);
  const kept = Object.entries(outer).filter(([name, value]) => value !== undefined && !unset.includes(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...set };
}

/** The same variables as lines for a shell. */
export function shellLines(root: string, outer: Env = process.env): string {
  const { set, unset } = projectVariables(root, outer);
  return [
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quoted(value)}`),
    ...unset.map((name) => `unset ${name}`),
  ].join("\n");
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function backendUrl(root: string): string {
  return fileBackendUrl(paths(root).state);
}

/**
 * A backend that keeps its state in a folder, without metadata: the engine writes those to a second file, and if it is
 * killed in between the state is unreadable ("failed to load checkpoint: EOF").
 */
export function fileBackendUrl(folder: string): string {
  return `${pathToFileURL(folder).href}?metadata=skip`;
}

/** The environment without what `npm run env` of another checkout has exported. */
export function withoutOtherCheckout(root: string, outer: Env = process.env): Env {
  const other = outer.UWSGI_NGINX_CHECKOUT;
  if (!other || other === root) return outer;
  const theirs = paths(other, outer);
  const isTheirs = (name: string, value: string | undefined) =>
    (name === "PULUMI_HOME" && value === theirs.pulumiHome) ||
    (name === "PULUMI_BACKEND_URL" && value === backendUrl(other)) ||
    (name === "PULUMI_CONFIG_PASSPHRASE_FILE" && value === theirs.passphrase);
  const kept = Object.fromEntries(Object.entries(outer).filter(([name, value]) => !isTheirs(name, value)));
  const folders = (outer.PATH ?? "").split(delimiter).filter((folder) => folder !== theirs.bin);
  return { ...kept, PATH: folders.join(delimiter) };
}

/** install.ts records a pulumi that is too old with its time, so that its version is asked only once. */
export function isTooOld(pulumi: string | undefined, marker: string): boolean {
  try {
    return pulumi !== undefined && readFileSync(marker, "utf8") === tooOldMarker(pulumi);
  } catch {
    return false;
  }
}

export function tooOldMarker(pulumi: string): string {
  return `${pulumi} ${statSync(pulumi).mtimeMs}\n`;
}

function pathWith(folder: string, path: string, isFirst: boolean): string {
  const others = path.split(delimiter).filter((entry) => entry && entry !== folder);
  return (isFirst ? [folder, ...others] : [...others, folder]).join(delimiter);
}

/** `ssh-add -l` exits with 2 if no agent answers. Without ssh-add the variable stays. */
function agentAnswers(env: Env): boolean {
  const { status, error } = spawnSync("ssh-add", ["-l"], {
    env,
    stdio: "ignore",
    timeout: 2000,
  });
  return error ? "code" in error && error.code === "ENOENT" : status !== 2;
}
