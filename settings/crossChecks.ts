import * as fs from "node:fs";
import * as path from "node:path";
import { platforms, type Platform } from "../platforms";
import { awsChecks } from "./awsChecks";
import { containerSource } from "./containerSource";
import type { Mistake } from "./load";
import { isEncrypted } from "./privateKey";
import { appNamePattern, appSchema, settingsSchema, type AppSettings, type Settings } from "./schema";

/**
 * What no single setting shows: paths that do not exist, things that two apps both claim. Settings that are wrong by
 * themselves are passed over, so that one run tells of both kinds of mistakes.
 */
export function crossChecks(values: Readonly<Record<string, unknown>>, folder: string): Mistake[] {
  const apps = validApps(values.apps ?? { hello: {} });
  return [
    ...serverChecks(values.server, apps, folder),
    ...apps.flatMap(([name, app]) => appChecks(name, app, values.server, folder)),
    ...claimedTwice(apps, "domains", (_, app) => app.domains),
    ...claimedTwice(apps, "socket", (name, app) => [path.dirname(socketPath(name, app))]),
    ...manyWithoutDomain(apps),
  ];
}

/** The app's socket (setting `socket`, or its default). */
export function socketPath(name: string, app: Pick<AppSettings, "socket">): string {
  return app.socket ?? `/run/uwsgi-${name}/uwsgi.sock`;
}

function validApps(values: unknown): [string, AppSettings][] {
  if (typeof values !== "object" || values === null) return [];
  return Object.entries(values).flatMap(([name, value]): [string, AppSettings][] => {
    const parsed = appSchema.safeParse(value);
    return parsed.success && appNamePattern.test(name) ? [[name, parsed.data]] : [];
  });
}

function serverChecks(values: unknown, apps: readonly [string, AppSettings][], folder: string): Mistake[] {
  const server = settingsSchema.shape.server.safeParse(values);
  if (!server.success) return [];
  const mistakes: Mistake[] = [];
  const { caCertificates } = server.data;
  if (server.data.kind === "container" && server.data.httpPort === server.data.sshPort) {
    const { sshPort } = server.data;
    mistakes.push({ path: ["server", "sshPort"], value: sshPort, text: "is the httpPort as well: choose another" });
  }
  if (server.data.kind === "aws") mistakes.push(...awsChecks(server.data, apps));
  if (server.data.kind === "ssh") {
    const { user, sudoPassword, bastion } = server.data;
    mistakes.push(...keyChecks(server.data, ["server"]), ...(bastion ? keyChecks(bastion, ["server", "bastion"]) : []));
    if (user === "root" && sudoPassword !== undefined) {
      mistakes.push({ path: ["server", "sudoPassword"], text: "is given, but server.user is root, who needs no sudo" });
    }
  }
  if (caCertificates !== undefined && !isFile(path.resolve(folder, caCertificates))) {
    mistakes.push({ path: ["server", "caCertificates"], value: caCertificates, text: "is no file that can be read" });
  }
  const platform: Platform = platforms[server.data.platform];
  for (const name of Object.keys(server.data.mirrors)) {
    if (name in platform.packages.mirrors) continue;
    mistakes.push({ path: ["server", "mirrors", name], text: `is not used on ${platform.title}: leave it out` });
  }
  return [...mistakes, ...(server.data.kind === "container" ? containerChecks(server.data, platform, folder) : [])];
}

function containerChecks(
  server: Settings["server"] & { kind: "container" },
  platform: Platform,
  folder: string,
): Mistake[] {
  const { image, rootFilesystem } = containerSource(server);
  if (image !== undefined && rootFilesystem !== undefined) {
    return [
      { path: ["server", "rootFilesystem"], value: rootFilesystem, text: "stands beside server.image: leave one out" },
    ];
  }
  if (rootFilesystem !== undefined && !fs.existsSync(path.resolve(folder, rootFilesystem))) {
    return [
      {
        path: ["server", "rootFilesystem"],
        value: rootFilesystem,
        text: "is neither a file nor a folder on this machine",
      },
    ];
  }
  if (image === undefined && rootFilesystem === undefined && platform.container.image !== undefined) {
    return [
      {
        path: ["server", "image"],
        text: `is missing: ${platform.title} needs one, such as ${platform.container.image}`,
      },
    ];
  }
  return [];
}

function keyChecks(
  { privateKey, privateKeyPassphrase }: { privateKey?: string; privateKeyPassphrase?: string },
  path: readonly string[],
): Mistake[] {
  const at = (key: string, text: string): Mistake[] => [{ path: [...path, key], text }];
  if (privateKey === undefined) {
    return privateKeyPassphrase === undefined ? [] : at("privateKeyPassphrase", "is given, but no privateKey");
  }
  if (isEncrypted(privateKey) && privateKeyPassphrase === undefined) {
    return at(
      "privateKeyPassphrase",
      `is missing, for the key is encrypted: pulumi config set --secret --path ${path.join(".")}.privateKeyPassphrase`,
    );
  }
  return [];
}

function appChecks(name: string, app: AppSettings, server: unknown, folder: string): Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong = (key: keyof AppSettings, value: unknown, text: string) =>
    mistakes.push({ path: ["apps", name, key], value, text });

  const source = path.resolve(folder, app.source);
  if (!fs.statSync(source, { throwIfNoEntry: false })?.isDirectory()) wrong("source", app.source, "is no folder");
  else if (app.requirements !== undefined && !isFile(path.resolve(source, app.requirements))) {
    wrong("requirements", app.requirements, `is no file in ${app.source}`);
  }
  if ((app.uid ?? name) === "root") wrong("uid", "root", "is not allowed: an app never runs as root");

  const platform = settingsSchema.shape.server.safeParse(server).data?.platform;
  const pythons = platform && Object.keys(platforms[platform].pythons);
  if (pythons && !pythons.includes(app.python)) {
    wrong(
      "python",
      app.python,
      `is not to be had on ${platforms[platform].title}: it must be one of ${pythons.join(", ")}`,
    );
  }
  return mistakes;
}

function claimedTwice(
  apps: readonly [string, AppSettings][],
  key: keyof AppSettings,
  claims: (name: string, app: AppSettings) => readonly string[],
): Mistake[] {
  const owners = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const [name, app] of apps) {
    for (const claim of new Set(claims(name, app))) {
      const owner = owners.get(claim);
      if (owner === undefined) owners.set(claim, name);
      else mistakes.push({ path: ["apps", name, key], value: claim, text: `is taken by the app "${owner}" already` });
    }
  }
  return mistakes;
}

function manyWithoutDomain(apps: readonly [string, AppSettings][]): Mistake[] {
  const [first, ...others] = apps.filter(([, app]) => app.domains.length === 0).map(([name]) => name);
  return others.map((name) => ({
    path: ["apps", name, "domains"],
    text: `is empty, as it is for the app "${first}": only one app can answer for every name, give this one a domain`,
  }));
}

function isFile(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
