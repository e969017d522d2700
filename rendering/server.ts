import type { Platform } from "../platforms";
import type { AppSettings } from "../settings/apps";
import type { UwsgiSettings } from "../settings/uwsgi";
import { renderTemplate } from "./assets";
import { buildService } from "./build";
import { pairList, systemParameters, type Downloads } from "./downloads";
import { retries } from "./hardening";
import type { Manifest } from "./manifest";
import { sha256 } from "./sha256";
import type { Toolkit } from "./toolkit";
import { pythonLine, pythonOf, uwsgiFor } from "./uwsgi";

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
  uwsgi: UwsgiSettings;
  toolkit: Pick<Toolkit, "version" | "hash">;
  /** Each uses a Python and needs packages. */
  apps: readonly Pick<AppSettings, "python" | "packages">[];
}

export function planServer(args: ServerPlanArgs): ServerPlan {
  const { stack, loginUser, platform, downloads, uwsgi, toolkit, apps } = args;
  const pythons = [...new Set(apps.map(({ python }) => python))].sort();
  const builds = pythons.map((python) => ({ python, ...uwsgiFor(uwsgi, platform, python) }));
  const packages = wordList([
    ...platform.packages.base,
    ...pythons.flatMap((python) => pythonOf(platform, python).packages),
    ...builds.flatMap((build) => build.packages),
    ...apps.flatMap((app) => app.packages),
  ]);
  const uwsgiService = renderTemplate("uwsgi.service");
  const build_service = buildService(platform);
  const restartConf = renderTemplate("nginx-restart.conf", { retries: retries(platform.systemd) });
  const { package_config_file, package_config, ca_file, ca_certificates } = {
    ...downloads.packages,
    ...downloads.files,
  };
  const files = {
    "/etc/systemd/system/uwsgi.service": uwsgiService,
    "/etc/systemd/system/uwsgi-build@.service": build_service,
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
      uwsgi_from: uwsgi.from,
      uwsgi_version: uwsgi.version ?? "",
      uwsgi_executable: builds[0]?.executable ?? "",
      pythons: builds.map((build) => pythonLine(platform, build.python, build)).join(""),
      nginx_package: nginx.package,
      default_link: nginx.defaultSite?.link ?? "",
      default_file: nginx.defaultSite?.file ?? "",
      default_package: nginx.defaultSite?.package ?? "",
      site_folder: nginx.siteFolder,
      uwsgi_service: uwsgiService,
      build_service,
      restart_conf: restartConf,
    },
    shown: {
      toolkit: toolkit.version,
      packages,
      uwsgi: [...new Set(builds.map(({ id }) => id))].join(", "),
      pythons: pythons.join(" "),
      ...withoutEmpty({ ...files, "CA certificates": inShort(ca_certificates) }),
    },
  };
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
