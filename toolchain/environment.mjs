import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { delimiter } from "node:path";
import { pathToFileURL } from "node:url";
import { places, userPulumiHome } from "./paths.mjs";
import { which } from "./run.mjs";

/** @typedef {Record<string, string | undefined>} Env */

/**
 * What Pulumi needs in its environment to work on this project.
 *
 * Whose settings win:
 * - PULUMI_HOME is always the project's, so that no stand-in ever lands in the user's own plugin folder.
 * - A PULUMI_BACKEND_URL of the user's own is respected (stacks kept in Pulumi Cloud or a bucket): the user's log-in is
 *   then used, and the passphrase is the user's business too. It must be in the environment: what `pulumi login` wrote
 *   down elsewhere does not count, because the first `npm start` must not touch somebody's cloud account.
 * - A passphrase given as PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE is respected.
 * - The project's `bin` folder comes last on PATH, so a pulumi or a plugin of the user's own wins; it comes first only
 *   when the user's pulumi was found too old.
 * - What an `eval "$(npm run --silent env)"` in another checkout has left behind is not the user's own.
 *
 * @param {string} root
 * @param {Env} [outer] the environment this one is made from
 * @returns {{ set: Record<string, string>, unset: string[] }}
 */
export function projectVariables(root, outer = process.env) {
  const env = withoutOtherCheckout(root, outer);
  const own = places(root, env);
  const backend = env.PULUMI_BACKEND_URL || backendUrl(root);
  const isOwnBackend = backend === backendUrl(root);
  /** @type {Record<string, string>} */
  const set = {
    UWSGI_NGINX_CHECKOUT: root,
    PULUMI_HOME: own.pulumiHome,
    PULUMI_BACKEND_URL: backend,
    PULUMI_SKIP_UPDATE_CHECK: env.PULUMI_SKIP_UPDATE_CHECK ?? "true",
    // The language host reports every Pulumi package in node_modules as needed, used or not; the engine would download
    // them all, or try in vain for seconds. plugins.mjs installs what is used, by name.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION ?? "true",
    PATH: pathWith(own.bin, env.PATH ?? "", isTooOld(which("pulumi", env.PATH, [own.bin]), own.tooOld)),
  };
  if (!isOwnBackend) {
    set.PULUMI_CREDENTIALS_PATH = env.PULUMI_CREDENTIALS_PATH ?? userPulumiHome(env, own.pulumiHome);
  } else if (env.PULUMI_CONFIG_PASSPHRASE === undefined) {
    set.PULUMI_CONFIG_PASSPHRASE_FILE = env.PULUMI_CONFIG_PASSPHRASE_FILE ?? own.passphrase;
  }
  // The command provider dials this socket even when it is given a private key, and fails if nothing answers.
  const unset = env.SSH_AUTH_SOCK && !agentAnswers(env) ? ["SSH_AUTH_SOCK"] : [];
  const dropped = Object.keys(outer).filter((name) => env[name] === undefined && !(name in set));
  return { set, unset: [...unset, ...dropped] };
}

/**
 * The whole environment for a child process.
 * @param {string} root
 * @param {Env} [outer]
 * @returns {Record<string, string>}
 */
export function environment(root, outer = process.env) {
  const { set, unset } = projectVariables(root, outer);
  const kept = Object.entries(outer).filter(([name, value]) => value !== undefined && !unset.includes(name));
  return { .../** @type {Record<string, string>} */ (Object.fromEntries(kept)), ...set };
}

/** @param {string} root */
export function backendUrl(root) {
  return fileBackendUrl(places(root).state);
}

/**
 * A backend that keeps its state in a folder. Without metadata: the engine writes that into a second file, not in one
 * step, and an engine that is killed just then leaves it empty and the state unreadable ("failed to load checkpoint: EOF").
 * @param {string} folder
 */
export function fileBackendUrl(folder) {
  return `${pathToFileURL(folder).href}?metadata=skip`;
}

/**
 * The same variables as lines for a shell.
 * @param {string} root
 * @param {Env} [outer]
 */
export function shellLines(root, outer = process.env) {
  const { set, unset } = projectVariables(root, outer);
  return [
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quoted(value)}`),
    ...unset.map((name) => `unset ${name}`),
  ].join("\n");
}

/** @param {string} text */
export function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param {string} folder
 * @param {string} path
 * @param {boolean} first
 */
function pathWith(folder, path, first) {
  const others = path.split(delimiter).filter((entry) => entry && entry !== folder);
  return (first ? [folder, ...others] : [...others, folder]).join(delimiter);
}

/**
 * @param {string} root
 * @param {Env} [outer]
 * @returns {Env}
 */
export function withoutOtherCheckout(root, outer = process.env) {
  const other = outer.UWSGI_NGINX_CHECKOUT;
  if (!other || other === root) return outer;
  const env = { ...outer };
  const theirs = places(other, outer);
  if (env.PULUMI_HOME === theirs.pulumiHome) delete env.PULUMI_HOME;
  if (env.PULUMI_BACKEND_URL === backendUrl(other)) delete env.PULUMI_BACKEND_URL;
  if (env.PULUMI_CONFIG_PASSPHRASE_FILE === theirs.passphrase) delete env.PULUMI_CONFIG_PASSPHRASE_FILE;
  env.PATH = (env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => entry !== theirs.bin)
    .join(delimiter);
  return env;
}

/**
 * engine.mjs writes down a pulumi it found too old, with its time, so that no child is needed to know it again.
 * @param {string | undefined} pulumi
 * @param {string} note
 */
export function isTooOld(pulumi, note) {
  if (!pulumi) return false;
  try {
    return readFileSync(note, "utf8") === tooOldNote(pulumi);
  } catch {
    return false;
  }
}

/** @param {string} pulumi */
export function tooOldNote(pulumi) {
  return `${pulumi} ${statSync(pulumi).mtimeMs}\n`;
}

/** @param {Env} env */
function agentAnswers(env) {
  const { status, error } = spawnSync("ssh-add", ["-l"], {
    env: /** @type {NodeJS.ProcessEnv} */ (env),
    stdio: "ignore",
    timeout: 2000,
  });
  if (error) return "code" in error && error.code === "ENOENT"; // no ssh-add to ask, so leave it; a time-out is no answer
  return status !== 2; // 0: has keys; 1: has none; 2: nobody there
}
