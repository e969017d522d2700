import * as path from "node:path";
import { platforms, type PlatformName } from "../platforms";
import type { Apps, AppSettings } from "./apps";
import { writableChecks } from "./folders";
import type { Mistake } from "./mistake";
import { indexChecks, requirementsChecks } from "./requirementsChecks";
import type { Sources } from "./source";
import { sourceChecks } from "./sourceChecks";
import { socketPath } from "./uwsgi";

export interface AppSurroundings {
  /** Platform of the server; unknown while the server's settings are wrong. */
  platform?: PlatformName;
  /** Folder that paths in the settings are relative to. */
  folder: string;
  /** Lists the apps' code. */
  sources: Sources;
}

/** Paths that do not exist, values that the platform does not have, and conflicts between apps. */
export function appChecks(apps: Apps, surroundings: AppSurroundings): Mistake[] {
  return [
    ...apps.flatMap(([name, app]) => [
      ...codeChecks(name, app, surroundings),
      ...userChecks(name, app, surroundings),
      ...memoryChecks(name, app, surroundings),
      ...pythonChecks(name, app, surroundings),
      ...variableChecks(name, app),
      ...lineFeedChecks(name, app, surroundings),
      ...writableChecks(name, app),
    ]),
    ...duplicates(apps, "domains", (_, app) => app.domains),
    ...duplicates(apps, "uid", (name, app) => [app.uid ?? name]),
    ...duplicates(apps, "socket", (name, app) => [path.dirname(socketPath(name, app))]),
    ...manyWithoutDomain(apps),
  ];
}

function codeChecks(name: string, app: AppSettings, { folder, sources }: AppSurroundings): Mistake[] {
  const mistakes = sourceChecks(name, app, folder, sources);
  // Without its code nobody knows what the requirements are.
  const more = mistakes.length > 0 ? [] : requirementsChecks(name, app, sources.of(app));
  return [...mistakes, ...indexChecks(name, app), ...more];
}

function userChecks(name: string, app: AppSettings, { platform }: AppSurroundings): Mistake[] {
  const user = app.uid ?? name;
  const nginx = platform === undefined ? undefined : platforms[platform].nginx.user;
  const reasons = new Map([
    ["root", "an app never runs as root"],
    [nginx ?? "", "nginx runs as that user"],
  ]);
  const why = reasons.get(user);
  if (why === undefined) return [];
  return [
    {
      path: ["apps", name, "uid"],
      value: user,
      text: `is not allowed, because ${why}.`,
      fix: "set it to another Linux user.",
    },
  ];
}

function memoryChecks(name: string, { limits }: AppSettings, { platform }: AppSurroundings): Mistake[] {
  if (platform === undefined || limits.memory?.endsWith("%") !== true || platforms[platform].systemd >= 231) return [];
  const text = `is not possible on ${platforms[platform].title}, whose systemd knows no percentages.`;
  return [
    { path: ["apps", name, "limits", "memory"], value: limits.memory, text, fix: "set it to a size, such as 512M." },
  ];
}

function pythonChecks(name: string, app: AppSettings, { platform }: AppSurroundings): Mistake[] {
  if (platform === undefined) return [];
  const pythons = Object.keys(platforms[platform].pythons);
  if (pythons.includes(app.python)) return [];
  const text = `is not available on ${platforms[platform].title}.`;
  return [{ path: ["apps", name, "python"], value: app.python, text, fix: `set it to one of ${pythons.join(", ")}.` }];
}

function variableChecks(name: string, { environment, secrets }: AppSettings): Mistake[] {
  return Object.keys(environment)
    .filter((variable) => Object.hasOwn(secrets, variable))
    .map((variable) => ({
      path: ["apps", name, "environment", variable],
      text: `is in apps.${name}.secrets too.`,
      fix: "remove it from one of the two.",
    }));
}

/** Older versions of systemd drop a variable with a line feed, and write it to the journal (env_value_is_valid, env-util.c). */
function lineFeedChecks(name: string, app: AppSettings, { platform }: AppSurroundings): Mistake[] {
  if (platform === undefined || platforms[platform].systemd >= 230) return [];
  const text = `has line feeds, which systemd on ${platforms[platform].title} does not pass on.`;
  const fix = "write it on one line, for example encoded with base64, and let the app decode it.";
  return (["environment", "secrets"] as const).flatMap((key) =>
    Object.entries(app[key])
      .filter(([, value]) => typeof value === "string" && value.includes("\n"))
      .map(([variable]) => ({ path: ["apps", name, key, variable], text, fix })),
  );
}

/** What two apps both use, although only one can. */
function duplicates(
  apps: Apps,
  key: keyof AppSettings,
  valuesOf: (name: string, app: AppSettings) => readonly string[],
): Mistake[] {
  const owners = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [name, app] of apps) {
    for (const value of new Set(valuesOf(name, app))) {
      const owner = owners.get(value);
      if (owner === undefined) owners.set(value, name);
      else {
        const text = `is already used by the app "${owner}".`;
        mistakes.push({ path: ["apps", name, key], value, text, fix: "choose another one for one of the two apps." });
      }
    }
  }
  return mistakes;
}

function manyWithoutDomain(apps: Apps): Mistake[] {
  const [first, ...others] = apps.filter(([, app]) => app.domains.length === 0).map(([name]) => name);
  return others.map((name) => ({
    path: ["apps", name, "domains"],
    text: `empty, like that of the app "${first}", but only one app can answer for every other name.`,
    fix: "give this app a domain.",
  }));
}
