import type { Platform, Python } from "../platforms";
import type { AppSettings } from "../settings/apps";
import { renderTemplate } from "./assets";
import { pairList, systemParameters, type Downloads } from "./downloads";
import type { Manifest } from "./manifest";
import { sha256 } from "./sha256";
import type { Toolkit } from "./toolkit";

/** What all apps of a server share, decided before anything is deployed. */
export interface ServerPlan {
  /** For the verb `server`. */
  manifest: Manifest;
  /** Texts by their paths on the server. */
  files: Readonly<Record<string, string>>;
  /** What a preview compares: the texts of files by their paths, and what is installed. */
  shown: Readonly<Record<string, string>>;
}

export interface ServerPlanArgs {
  /** PROJECT/STACK, the owner of the server. */
  stack: string;
  /** User that uploads code. */
  loginUser: string;
  platform: Platform;
  /** Where packages come from, and the CA certificates that the server trusts. */
  downloads: Downloads;
  uwsgiVersion: string;
  toolkit: Pick<Toolkit, "version" | "hash">;
  /** Each uses a Python and needs packages. */
  apps: readonly Pick<AppSettings, "python" | "packages">[];
}

/** Folder of uWSGI's wheel for a Python on a server. */
export function wheelFolder(python: string, uwsgiVersion: string): string {
  return `/opt/uwsgi/${uwsgiVersion}-python${python}`;
}

export function planServer(args: ServerPlanArgs): ServerPlan {
  const { stack, loginUser, platform, downloads, uwsgiVersion, toolkit, apps } = args;
  const pythons = [...new Set(apps.map(({ python }) => python))]
    .sort()
    .map((name) => [name, pythonOf(platform, name)] as const);
  const packages = wordList([
    ...platform.packages.base,
    ...pythons.flatMap(([, python]) => python.packages),
    ...apps.flatMap((app) => app.packages),
  ]);
  const uwsgiService = renderTemplate("uwsgi.service");
  const restartConf = renderTemplate("nginx-restart.conf");
  const { package_config_file, package_config, ca_file, ca_certificates } = {
    ...downloads.packages,
    ...downloads.files,
  };
  const files = {
    "/etc/systemd/system/uwsgi.service": uwsgiService,
    "/etc/systemd/system/nginx.service.d/restart.conf": restartConf,
    [package_config_file]: package_config,
  };
  const { nginx } = platform;
  return {
    files: withoutEmpty({ ...files, [ca_file]: ca_certificates }),
    manifest: {
      stack,
      login_user: loginUser,
      toolkit_version: toolkit.version,
      toolkit_hash: toolkit.hash,
      ...systemParameters(platform),
      package_script: platform.packages.script,
      ...downloads.packages,
      ...downloads.files,
      ...downloads.pip,
      disk_space: pairList(platform.packages.diskSpace),
      packages,
      selinux_packages: wordList(platform.packages.selinux),
      uwsgi_version: uwsgiVersion,
      pythons: pythons.map(([name, python]) => pythonLine(name, python, uwsgiVersion)).join(""),
      nginx_package: nginx.package,
      default_link: nginx.defaultSite?.link ?? "",
      default_file: nginx.defaultSite?.file ?? "",
      default_package: nginx.defaultSite?.package ?? "",
      site_folder: nginx.siteFolder,
      uwsgi_service: uwsgiService,
      restart_conf: restartConf,
    },
    shown: {
      toolkit: toolkit.version,
      packages,
      uwsgi: uwsgiVersion,
      pythons: pythons.map(([name]) => name).join(" "),
      ...withoutEmpty({ ...files, "CA certificates": inShort(ca_certificates) }),
    },
  };
}

export function pythonOf(platform: Platform, name: string): Python {
  const python = platform.pythons[name];
  if (!python) throw new Error(`${platform.title} has no Python ${name}`);
  return python;
}

/** A line for uwsgi.sh. */
export function pythonLine(
  name: string,
  { executable, isolation, virtualenv = "", tools }: Python,
  uwsgiVersion: string,
) {
  return `${[name, wheelFolder(name, uwsgiVersion), executable, isolation, virtualenv, tools.join(" ")].join("|")}\n`;
}

/** An empty text means that there is no such file. */
function withoutEmpty(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

/** They may be a hundred kilobytes long. */
function inShort(certificates: string): string {
  if (certificates === "") return "";
  const count = certificates.split("-----BEGIN CERTIFICATE-----").length - 1;
  return `${count}, SHA-256 ${sha256(certificates).slice(0, 12)}`;
}

function wordList(words: readonly string[]): string {
  return [...new Set(words)].sort().join(" ");
}
