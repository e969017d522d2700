import { createHash } from "node:crypto";
import * as path from "node:path";
import type { Platform, Python } from "../platforms";
import type { AppSettings } from "../settings/apps";
import { socketPath } from "../settings/uwsgi";
import type { AppSource } from "./appSource";
import { renderTemplate } from "./assets";
import { hardening } from "./hardening";

/** Port that nginx listens on. */
export const httpPort = 80;

/** Everything that is decided about an app before it is deployed: plain data and texts. */
export interface AppPlan {
  name: string;
  /** Id of the release. The same code, requirements, Python and settings give the same id on every server. */
  release: string;
  /** Folder of the app on the server. */
  folder: string;
  /** Link to the live release. */
  current: string;
  /** Virtual environment for these requirements, this Python and this uWSGI. */
  venv: string;
  uid: string;
  /** Group that the app runs as: nginx's, so that both can use the socket. */
  group: string;
  socket: string;
  /** USER:GROUP of the socket. */
  chownSocket: string;
  service: string;
  python: Python;
  /** Folder of uWSGI's wheel for this Python. */
  wheels: string;
  uwsgiVersion: string;
  requirements: string;
  ini: string;
  /** uWSGI's configuration for the trial of a release before it goes live: one process on a free port. */
  trialIni: string;
  unit: string;
  /** Hashes of files that are only uploaded, as triggers of the scripts that put them into use. */
  unitHash: string;
  site: string;
  siteHash: string;
  /** The site's directive that a server without IPv6 must not have. */
  ipv6Listen: string;
  /** Parameters of the health checks in the scripts. */
  health: { port: string; host_header: string; path: string; contains: string; timeout: string };
  settings: AppSettings;
}

const hashOf = (...parts: string[]) => createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);

/** Folder of uWSGI's wheel for a Python on a server. */
export function wheelFolder(python: string, uwsgiVersion: string): string {
  return `/opt/uwsgi/${uwsgiVersion}-python${python}`;
}

/** Path of an app's active site. */
export function sitePath(app: string, platform: Platform): string {
  return `${platform.nginx.siteFolder}/${app}.conf`;
}

export function planApp(
  name: string,
  settings: AppSettings,
  source: AppSource,
  platform: Platform,
  uwsgiVersion: string,
): AppPlan {
  const python = platform.pythons[settings.python];
  if (!python) throw new Error(`${platform.title} has no Python ${settings.python}`);
  const folder = `/opt/apps/${name}`;
  const uid = settings.uid ?? name;
  const socket = socketPath(name, settings);
  const defaultServer = settings.domains.length === 0 ? " default_server" : "";
  const templateValues = {
    ...settings,
    app: name,
    current: `${folder}/current`,
    uid,
    nginxGroup: platform.nginx.group,
    socket,
    chownSocket: settings.chownSocket ?? `${uid}:${platform.nginx.group}`,
    runtimeDirectory: path.posix.basename(path.posix.dirname(socket)),
    ipv4Listen: `listen ${httpPort}${defaultServer};`,
    ipv6Listen: `listen [::]:${httpPort}${defaultServer};`,
    hardening: hardening(platform.systemd, `${folder}/shared`),
  };
  const ini = renderTemplate("uwsgi.ini", { ...templateValues, release: templateValues.current, trial: false });
  const unit = renderTemplate("uwsgi-app.service", templateValues);
  const site = renderTemplate("site.conf", templateValues);
  const requirements = source.requirements;
  const release = hashOf(source.hash, requirements, settings.python, uwsgiVersion, ini);
  return {
    name,
    release,
    folder,
    current: templateValues.current,
    venv: `${folder}/venvs/${hashOf(requirements, settings.python, uwsgiVersion)}`,
    uid,
    group: platform.nginx.group,
    socket,
    chownSocket: templateValues.chownSocket,
    service: `uwsgi@${name}.service`,
    python,
    wheels: wheelFolder(settings.python, uwsgiVersion),
    uwsgiVersion,
    requirements,
    ini,
    trialIni: renderTemplate("uwsgi.ini", {
      ...templateValues,
      release: `${folder}/releases/${release}`,
      trial: true,
      processes: 1,
      dieOnTerm: true,
    }),
    unit,
    unitHash: hashOf(unit),
    site,
    siteHash: hashOf(site),
    ipv6Listen: templateValues.ipv6Listen,
    health: {
      port: String(httpPort),
      // A wildcard matches any name below it.
      host_header: (settings.domains[0] ?? "localhost").replace("*", "www"),
      path: settings.healthCheck.path,
      contains: settings.healthCheck.contains,
      timeout: String(settings.healthCheck.timeoutSeconds),
    },
    settings,
  };
}
