import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { environment, isTooOld, quoted, withoutOtherCheckout } from "./environment.mjs";
import { UserError } from "./errors.mjs";
import { isOnline } from "./online.mjs";
import { places, userPulumiHome } from "./paths.mjs";
import { isProgram, run, which } from "./run.mjs";
import { say, step } from "./steps.mjs";
import { pinnedVersion } from "./versions.mjs";

/** @typedef {Record<string, string | undefined>} Env */
/** @typedef {"on PATH" | "beside the engine" | "installed" | "linked" | "stand-in"} Origin */

/** The resource plugins that every stack here needs, each with a stand-in; their versions are those of the packages @pulumi/NAME. */
const resourcePlugins = ["command", "random"];
/** What a kind of server needs besides. @type {Record<string, string[]>} */
const pluginsOfKind = { aws: ["aws"] };

/**
 * Finds the language host and the resource plugins, genuine ones first, and says which have a stand-in.
 * @param {string} root
 * @param {string} engine
 * @param {string} kind of the stack's server (settings/serverSchema.ts)
 * @param {Env} [env]
 */
export async function preparePlugins(root, engine, kind, env = withoutOtherCheckout(root)) {
  /** @type {Record<string, Origin>} */
  const origins = { "pulumi-language-nodejs": prepareLanguageHost(root, engine, env) };
  for (const name of [...resourcePlugins, ...(pluginsOfKind[kind] ?? [])]) {
    origins[`pulumi-resource-${name}`] = await prepareResourcePlugin(root, engine, name, env);
  }
  const standIns = Object.keys(origins).filter((name) => origins[name] === "stand-in");
  if (standIns.length > 0) say(`Stand-ins in use (the genuine ones are not on this machine): ${standIns.join(", ")}`);
  return origins;
}

/**
 * @param {string} root
 * @param {string} engine
 * @param {Env} env
 * @returns {Origin}
 */
export function prepareLanguageHost(root, engine, env) {
  const name = "pulumi-language-nodejs";
  const own = places(root, env);
  const standIn = join(own.bin, name);
  const tooOld = which("pulumi", env.PATH, [own.bin]);
  const without = isTooOld(tooOld, own.tooOld) && tooOld ? [own.bin, dirname(tooOld)] : [own.bin];
  const beside = join(dirname(realpathSync(engine)), name);
  /** @type {Origin | undefined} */
  let genuine;
  if (takesFromPath(env) && which(name, env.PATH, without)) genuine = "on PATH";
  else if (isProgram(beside) && !isStandIn(beside)) genuine = "beside the engine";
  if (!genuine) writeStandIn(root, standIn, name);
  else if (existsSync(standIn) && isStandIn(standIn)) rmSync(standIn);
  return genuine ?? "stand-in";
}

/**
 * @param {string} root
 * @param {string} engine
 * @param {string} plugin "command"
 * @param {Env} env
 * @returns {Promise<Origin>}
 */
export async function prepareResourcePlugin(root, engine, plugin, env) {
  const own = places(root, env);
  const name = `pulumi-resource-${plugin}`;
  const version = pinnedVersion(root, `@pulumi/${plugin}`);
  const folder = `resource-${plugin}-v${version}`;
  const installed = join(own.pulumiHome, "plugins", folder);
  const program = join(installed, name);
  const usersOwn = join(userPulumiHome(env, own.pulumiHome), "plugins", folder, name);

  if (takesFromPath(env) && which(name, env.PATH, [own.bin])) return "on PATH";
  if (isProgram(program) && !isStandIn(program)) return "installed";
  if (isProgram(usersOwn)) {
    // A folder of ours with a link in it: the engine passes over folders that are links themselves.
    replaceFile(program, (draft) => symlinkSync(usersOwn, draft));
    return "linked";
  }
  if (await isOnline(root)) {
    rmSync(installed, { recursive: true, force: true }); // the engine does not install what looks installed
    const { code, stderr } = await step(`plugin ${plugin} ${version}`, () =>
      run(engine, ["plugin", "install", "resource", plugin, version], {
        cwd: root,
        env: environment(root, env),
        output: "take",
        timeoutSeconds: 1200, // that of a cloud has hundreds of megabytes
      }),
    );
    if (code === 0) return "installed";
    say(stderr.trim().split("\n").at(-1) ?? "");
  }
  if (!resourcePlugins.includes(plugin)) {
    throw new UserError(
      `This stack needs the plugin ${plugin} ${version}, which is not on this machine and cannot be downloaded now.`,
      `On a machine with internet access it installs itself; by hand: pulumi plugin install resource ${plugin} ${version}`,
    );
  }
  writeStandIn(root, program, name);
  return "stand-in";
}

/**
 * Whether the engine takes plugins from PATH.
 * @param {Env} env
 */
function takesFromPath(env) {
  return !["1", "true"].includes(env.PULUMI_IGNORE_AMBIENT_PLUGINS ?? "");
}

const standInMark = "# Stand-in, made by toolchain/plugins.mjs";

/** @param {string} program */
function isStandIn(program) {
  return readFileSync(program).subarray(0, 200).includes(standInMark);
}

/**
 * @param {string} root
 * @param {string} program
 * @param {string} name
 */
function writeStandIn(root, program, name) {
  const script = join(root, "toolchain", "offline", "start.mjs");
  const text = `#!/bin/sh\n${standInMark}: used while the genuine ${name} is not on this machine.\nexec node ${quoted(script)} ${name} "$@"\n`;
  if (existsSync(program) && readFileSync(program, "utf8") === text) return;
  replaceFile(program, (draft) => writeFileSync(draft, text, { mode: 0o755 }));
}

/**
 * @param {string} file
 * @param {(draft: string) => void} make
 */
function replaceFile(file, make) {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  make(draft);
  renameSync(draft, file);
}
