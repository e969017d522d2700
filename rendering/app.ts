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

/** All that is decided about an app before anything is done: plain data and texts. */
export interface AppPlan {
  name: string;
  /** Id of the release: the same code, requirements, Python and settings give the same id on every server. */
  release: string;
  /** Folder of the app on the server. */
  folder: string;
  /** Link to the release that is live. */
  current: string;
  /** Virtual environment for these requirements, this Python and this uWSGI. */
  venv: string;
  uid: string;
  /** Group that the app runs as, which is nginx's, so that both can use the socket. */
  group: string;
  socket: string;
  service: string;
  python: Python;
  /** Wheels of uWSGI for this Python. */
  wheels: string;
  uwsgiVersion: string;
  requirements: string;
  ini: string;
  unit: string;
  /** Hashes of what is only staged as a file, so that what puts it in force reacts to it. */
  unitHash: string;
  site: string;
  siteHash: string;
  /** Parameters of the health checks in the scripts. */
  health: { host_header: string; path: string; contains: string; timeout: string };
  settings: AppSettings;
}

const hashOf = (...parts: string[]) => createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);

/** Where uWSGI's wheel for a Python lives on a server. */
export function wheelFolder(python: string, uwsgiVersion: string): string {
  return `/opt/uwsgi/${uwsgiVersion}-python${python}`;
}

/** Where an app's site is put in force. */
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
  const templateValues = {
    ...settings,
    app: name,
    current: `${folder}/current`,
    uid,
    nginxGroup: platform.nginx.group,
    socket: socketPath(name, settings),
    chownSocket: settings.chownSocket ?? `${uid}:${platform.nginx.group}`,
    runtimeDirectory: path.posix.basename(path.posix.dirname(socketPath(name, settings))),
    port: httpPort,
    hardening: hardening(platform.systemd, `${folder}/shared`),
  };
  const ini = renderTemplate("uwsgi.ini", templateValues);
  const unit = renderTemplate("uwsgi-app.service", templateValues);
  const site = renderTemplate("site.conf", templateValues);
  const requirements = source.requirements;
  return {
    name,
    release: hashOf(source.hash, requirements, settings.python, uwsgiVersion, ini),
    folder,
    current: templateValues.current,
    venv: `${folder}/venvs/${hashOf(requirements, settings.python, uwsgiVersion)}`,
    uid,
    group: platform.nginx.group,
    socket: templateValues.socket,
    service: `uwsgi@${name}.service`,
    python,
    wheels: wheelFolder(settings.python, uwsgiVersion),
    uwsgiVersion,
    requirements,
    ini,
    unit,
    unitHash: hashOf(unit),
    site,
    siteHash: hashOf(site),
    health: {
      // A wildcard stands for any name below it.
      host_header: (settings.domains[0] ?? "localhost").replace("*", "www"),
      path: settings.healthCheck.path,
      contains: settings.healthCheck.contains,
      timeout: String(settings.healthCheck.timeoutSeconds),
    },
    settings,
  };
}
