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
import { UserError } from "../common/errors";
import { type Env, paths, userPulumiHome } from "../common/paths";
import { isProgram, which } from "../common/run";
import { say, step } from "../common/steps";
import { environment, isTooOld, quoted, withoutOtherCheckout } from "./environment";
import { isOnline } from "./online";
import { engineMessage, Pulumi } from "./pulumi";
import { pinnedVersion } from "./versions";

type Origin = "on PATH" | "beside the engine" | "installed" | "linked" | "offline";

/** Every stack needs these. Each has an offline plugin. */
const resourcePlugins = ["command", "random"];
const languageHost = "pulumi-language-nodejs";

/** Finds or installs the language host and the resource plugins, the genuine ones if possible. `ofKind`: of the server. */
export async function preparePlugins(
  root: string,
  engine: string,
  ofKind: readonly string[],
  env: Env = withoutOtherCheckout(root),
): Promise<void> {
  const origins = [[languageHost, prepareLanguageHost(root, engine, env)]];
  for (const name of [...resourcePlugins, ...ofKind]) {
    origins.push([`pulumi-resource-${name}`, await prepareResourcePlugin(root, engine, name, env)]);
  }
  const offline = origins.filter(([, origin]) => origin === "offline").map(([name]) => name);
  if (offline.length > 0)
    say(`Offline plugins in use (the genuine ones are not on this computer): ${offline.join(", ")}`);
}

export function prepareLanguageHost(root: string, engine: string, env: Env): Origin {
  const { bin, tooOld } = paths(root, env);
  const offline = join(bin, languageHost);
  const pulumi = which("pulumi", env.PATH, [bin]);
  const without = pulumi && isTooOld(pulumi, tooOld) ? [bin, dirname(pulumi)] : [bin];
  const beside = join(dirname(realpathSync(engine)), languageHost);
  const genuine =
    usesPath(env) && which(languageHost, env.PATH, without)
      ? "on PATH"
      : isProgram(beside) && !isOffline(beside)
        ? "beside the engine"
        : undefined;
  if (!genuine) writeOffline(root, offline, languageHost);
  else if (existsSync(offline) && isOffline(offline)) rmSync(offline);
  return genuine ?? "offline";
}

/** `plugin`: the name without "pulumi-resource-". */
export async function prepareResourcePlugin(root: string, engine: string, plugin: string, env: Env): Promise<Origin> {
  const { bin, pulumiHome } = paths(root, env);
  const name = `pulumi-resource-${plugin}`;
  const version = pinnedVersion(root, `@pulumi/${plugin}`);
  const folder = join("plugins", `resource-${plugin}-v${version}`);
  const program = join(pulumiHome, folder, name);
  const usersOwn = join(userPulumiHome(env, pulumiHome), folder, name);

  if (usesPath(env) && which(name, env.PATH, [bin])) return "on PATH";
  if (isProgram(program) && !isOffline(program)) return "installed";
  if (isProgram(usersOwn)) {
    // The engine ignores plugin folders that are links, so the link is inside a folder.
    replaceFile(program, (draft) => {
      symlinkSync(usersOwn, draft);
    });
    return "linked";
  }
  if (await isOnline(root)) {
    rmSync(dirname(program), { recursive: true, force: true }); // the engine skips a plugin that seems installed
    try {
      const pulumi = new Pulumi(root, engine, environment(root, env));
      await step(`plugin ${plugin} ${version}`, () => pulumi.run("plugin", "install", "resource", plugin, version));
      return "installed";
    } catch (error) {
      say(engineMessage(error));
    }
  }
  if (!resourcePlugins.includes(plugin)) {
    throw new UserError(
      `This stack needs the plugin ${plugin} ${version}, which is not on this computer and cannot be downloaded. Nothing was changed.`,
      `connect to the internet and run the same command again, or run: pulumi plugin install resource ${plugin} ${version}`,
    );
  }
  writeOffline(root, program, name);
  return "offline";
}

/** Whether the engine uses plugins on PATH. */
function usesPath(env: Env): boolean {
  return !["1", "true"].includes(env.PULUMI_IGNORE_AMBIENT_PLUGINS ?? "");
}

const offlineMark = "# Offline plugin, written by toolchain/engine/plugins.ts";

export function isOffline(program: string): boolean {
  return readFileSync(program).subarray(0, 200).includes(offlineMark);
}

function writeOffline(root: string, program: string, name: string): void {
  const script = join(root, "toolchain", "offline", "start.mjs");
  const text = `#!/bin/sh\n${offlineMark}: used while the genuine ${name} is not on this computer.\nexec node ${quoted(script)} ${name} "$@"\n`;
  if (existsSync(program) && readFileSync(program, "utf8") === text) return;
  replaceFile(program, (draft) => {
    writeFileSync(draft, text, { mode: 0o755 });
  });
}

function replaceFile(file: string, write: (draft: string) => void): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  write(draft);
  renameSync(draft, file);
}
