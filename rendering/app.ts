import type { Platform } from "../platforms";
import type { AppSettings } from "../settings/apps";
import { socketPath, type UwsgiSettings } from "../settings/uwsgi";
import type { AppSource } from "./appSource";
import { renderTemplate } from "./assets";
import { commandService, commandsText, listText } from "./commands";
import { pythonParameters, type Downloads } from "./downloads";
import { variableLines } from "./environment";
import { hardening, limits, limitsOf, reloadCommand, retries } from "./hardening";
import { healthCheckText } from "./healthCheck";
import type { Manifest } from "./manifest";
import { indexVariables, newerPythons, pipPackages, planRequirements } from "./requirements";
import { sha256 } from "./sha256";
import { compilerFor, pythonOf, uwsgiFor } from "./uwsgi";

/** Folder on the server that the login user may upload to. */
export const uploadsFolder = "/var/lib/uwsgi-nginx/uploads";

/** Script on the server that runs a verb of the toolkit (assets/toolkit/launch.sh). */
export const launchScript = "/var/lib/uwsgi-nginx/run";

/** Script on the server that brings an app's secrets (assets/toolkit/keep-secrets.sh). */
export const keepSecrets = "/var/lib/uwsgi-nginx/keep-secrets";

/** Port that nginx listens on. */
export const httpPort = 80;

export interface AppManifest extends Manifest {
  /** Id of the release. The same code, requirements, Python and settings give the same id on every server. */
  readonly release: string;
}

/** Everything that is decided about an app before it is deployed: plain data and texts. */
export interface AppPlan {
  name: string;
  service: string;
  /** Path on the server that the code is uploaded to. */
  upload: string;
  /** For the verb `app`. If the app has secrets, see withSecrets. */
  manifest: AppManifest;
  /** Texts by their paths on the server. */
  files: Readonly<Record<string, string>>;
  /** What a preview compares: the texts of files by their names, and what else makes a release. */
  shown: Readonly<Record<string, string>>;
  settings: AppSettings;
}

export interface AppPlanArgs {
  settings: AppSettings;
  source: Pick<AppSource, "hash" | "archiveHash" | "code">;
  platform: Platform;
  /** Where Python packages come from. */
  downloads: Downloads;
  uwsgi: UwsgiSettings;
}

const hashOf = (...parts: string[]) => sha256(JSON.stringify(parts)).slice(0, 12);

export function planApp(name: string, args: AppPlanArgs): AppPlan {
  const { settings, source, platform, downloads } = args;
  const requirements = planRequirements(source, settings);
  const { nginx } = platform;
  const python = pythonOf(platform, settings.python);
  const uwsgi = uwsgiFor(args.uwsgi, platform, settings.python);
  const folder = `/opt/apps/${name}`;
  const uid = settings.uid ?? name;
  const socket = socketPath(name, settings);
  const defaultServer = settings.domains.length === 0 ? " default_server" : "";
  const values = {
    ...settings,
    app: name,
    plugin: uwsgi.plugin,
    current: `${folder}/current`,
    uid,
    socket,
    chownSocket: settings.chownSocket ?? `${uid}:${nginx.group}`,
    ipv4Listen: `listen ${httpPort}${defaultServer};`,
    ipv6Listen: `listen [::]:${httpPort}${defaultServer};`,
    shared: `${folder}/shared`,
    environmentFiles: environmentFiles(settings),
    reload: reloadCommand(platform.systemd),
    limits: limits(platform.systemd, limitsOf(settings)),
    hardening: hardening(platform.systemd, {
      ...{
        user: uid,
        writable: [`${folder}/shared`, ...settings.readWritePaths],
        instanceMetadata: settings.instanceMetadata,
      },
    }),
    retries: retries(platform.systemd),
    static: staticLocations(name, settings),
  };
  const ini = renderTemplate("uwsgi.ini", values);
  const unit = renderTemplate("uwsgi-app.service", values);
  const socketUnit = renderTemplate("uwsgi-app.socket", values);
  const site = renderTemplate("site.conf", values);
  const commands = commandsText(settings.commands);
  const staticFolders = Object.entries(settings.static).map(([path, from]) => `${publicName(path)}=${from}`);
  const environment = variableLines(settings.environment);
  const kept = { kept_folders: listText(settings.folders), kept_files: listText(settings.files) };
  const made = [source.hash, requirements.id, settings.python, uwsgi.id, ini];
  const release = hashOf(...made, environment, JSON.stringify(kept), commands, ...staticFolders.sort());
  return {
    name,
    service: `uwsgi@${name}.service`,
    upload: `${uploadsFolder}/${name}.tar.gz`,
    manifest: {
      app: name,
      release,
      code_hash: source.archiveHash,
      secrets: "",
      environment,
      ...kept,
      venv: `${folder}/venvs/${hashOf(requirements.id, settings.python, uwsgi.id)}`,
      requirements: requirements.text,
      requirements_file: requirements.file,
      pip_indexes: indexVariables(settings.pip),
      pip_secrets: "",
      ...pythonParameters(settings.python, python),
      ...downloads.pip,
      compiler: compilerFor(platform, settings.python).join(" "),
      pip_packages: pipPackages(platform, settings.python),
      newer_pythons: newerPythons(platform, settings.python).join(" "),
      wheels: uwsgi.folder,
      uwsgi_requirement: uwsgi.requirement,
      uwsgi_executable: uwsgi.executable,
      uid,
      uid_given: String(settings.uid !== undefined),
      nginx_user: nginx.user,
      nginx_group: nginx.group,
      socket,
      domains: settings.domains.join(" "),
      site_folder: nginx.siteFolder,
      ipv6_listen: values.ipv6Listen,
      port: String(httpPort),
      ...healthCheckParameters(settings),
      module: settings.module,
      static_folders: staticFolders.join(" "),
      build_commands: listText(settings.commands.build),
      release_commands: listText(settings.commands.release),
      command_timeout: String(settings.commands.timeoutSeconds),
      uwsgi_command: commands === "" ? "" : commandService(name, uid, platform, settings),
      uwsgi_ini: ini,
      uwsgi_service: unit,
      uwsgi_socket: socketUnit,
      nginx_conf: site,
    },
    files: {
      [`${folder}/current/uwsgi.ini`]: ini,
      [`/etc/systemd/system/uwsgi@${name}.service`]: unit,
      [`/etc/systemd/system/uwsgi@${name}.socket`]: socketUnit,
      [`${nginx.siteFolder}/${name}.conf`]: site,
    },
    shown: {
      code: source.hash.slice(0, 12),
      python: settings.python,
      ...requirements.shown,
      ...unlessEmpty("environment", environment),
      ...unlessEmpty("kept folders", settings.folders.join(" ")),
      ...unlessEmpty("kept files", settings.files.join(" ")),
      "uwsgi.ini": ini,
      "uwsgi.service": unit,
      "uwsgi.socket": socketUnit,
      "nginx.conf": site,
      "health check": healthCheckText(settings.healthCheck),
      ...unlessEmpty("commands", commands && `${commands}each within ${settings.commands.timeoutSeconds} s\n`),
    },
    settings,
  };
}

const unlessEmpty = (name: string, text: string) => (text === "" ? {} : { [name]: text });

/** Files of a release that systemd reads the app's environment from, when it starts the app. */
export function environmentFiles(settings: Pick<AppSettings, "environment" | "secrets">): string[] {
  const has = (variables: object) => Object.keys(variables).length > 0;
  return ["id", ...(has(settings.environment) ? ["environment"] : []), ...(has(settings.secrets) ? ["secrets"] : [])];
}

export function hasSecrets({ secrets }: Pick<AppSettings, "secrets">): boolean {
  return Object.keys(secrets).length > 0;
}

/** The manifest with an app's secrets, of which only the fingerprint is in it. Other secrets make another release. */
export function withSecrets({ manifest }: AppPlan, fingerprint: string): AppManifest {
  return { ...manifest, release: hashOf(manifest.release, fingerprint), secrets: fingerprint };
}

export function hasPipSecrets({ pip }: Pick<AppSettings, "pip">): boolean {
  return Object.keys(pip.secrets).length > 0;
}

/** The manifest with the fingerprint of the secrets of pip. They do not change what a release is. */
export function withPipSecrets(manifest: AppManifest, fingerprint: string): AppManifest {
  return { ...manifest, pip_secrets: fingerprint };
}

/** The manifest with the Host header of health checks. The server's address is only known when there is a server. */
export function withHost(manifest: AppManifest, host: string): AppManifest {
  return { ...manifest, host_header: host };
}

/** The name that the app is asked by: its first domain, or for a wildcard a name below it. Undefined if it has none. */
export function nameOf({ domains }: Pick<AppSettings, "domains">): string | undefined {
  return domains[0]?.replace("*", "www");
}

function healthCheckParameters(settings: AppSettings): Manifest {
  const { host, path, status, contains, timeoutSeconds } = settings.healthCheck;
  return {
    // See withHost.
    host_header: host ?? nameOf(settings) ?? "localhost",
    path,
    expected: [status ?? []].flat().join(" "),
    contains,
    timeout: String(timeoutSeconds),
  };
}

/** The name of a release's copy of a static folder, by the URL path, so that another folder does not change the site. */
const publicName = (path: string) => path.slice(1, -1).replaceAll("/", "+");

/** What nginx serves by itself: URL paths, and copies of folders in the live release (assets/toolkit/static.sh). */
function staticLocations(name: string, settings: AppSettings): { path: string; folder: string }[] {
  return Object.keys(settings.static).map((path) => ({
    path,
    folder: `/opt/apps/${name}/current/static/${publicName(path)}/`,
  }));
}
