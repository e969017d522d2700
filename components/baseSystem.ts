import * as pulumi from "@pulumi/pulumi";
import type { Python } from "../platforms";
import { wheelFolder } from "../rendering/app";
import { renderTemplate, script } from "../rendering/assets";
import { pairList, pythonParameters, systemParameters, type Downloads } from "../rendering/downloads";
import type { Server } from "../servers/server";
import { RemoteFile } from "./remoteFile";
import { RemoteScript } from "./remoteScript";

export interface BaseSystemArgs {
  server: Server;
  /** Pythons that the apps use, by the platform's names. */
  pythons: Readonly<Record<string, Python>>;
  uwsgiVersion: string;
  /** System packages that the apps need. */
  packages: readonly string[];
  /** Where packages come from, and the CA certificates that the server trusts. */
  downloads: Downloads;
}

/** Versions that run on the server. */
export interface Versions {
  uwsgi: string;
  python: string;
}

const aggregateUnitFile = "/etc/systemd/system/uwsgi.service";
const nginxDropInFile = "/etc/systemd/system/nginx.service.d/restart.conf";

/** What all apps of a server share: packages, uWSGI compiled once for each Python, nginx, the aggregate unit. */
export class BaseSystem extends pulumi.ComponentResource {
  /** Preflight checks have passed, the stack has claimed the server, and packages are installed. */
  readonly prepared: pulumi.Resource;
  /** uWSGI is compiled, by Python. */
  readonly wheels: Readonly<Record<string, RemoteScript>>;
  /** nginx runs and includes sites. */
  readonly nginx: pulumi.Resource;
  /** uwsgi.service exists, which starts and stops the units of all apps. */
  readonly aggregateUnit: pulumi.Resource;
  /** Versions by Python. */
  readonly versions: pulumi.Output<Record<string, Versions>>;

  constructor(name: string, args: BaseSystemArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:BaseSystem", name, {}, opts);
    this.prepared = prepareServer(name, args, this);
    const afterPrepare = { parent: this, dependsOn: [this.prepared] };
    this.wheels = buildWheels(name, args, afterPrepare);
    this.nginx = installNginx(name, args, afterPrepare);
    this.aggregateUnit = new RemoteFile(
      `${name}-uwsgi-service`,
      { server: args.server, path: aggregateUnitFile, content: renderTemplate("uwsgi.service") },
      afterPrepare,
    );
    this.versions = versionsOf(this.wheels);
    this.registerOutputs({ versions: this.versions });
  }
}

/** Options of everything that must not run before the preflight checks. */
interface AfterPrepare {
  parent: pulumi.Resource;
  dependsOn: pulumi.Resource[];
}

function prepareServer(name: string, args: BaseSystemArgs, parent: pulumi.Resource): pulumi.Resource {
  const { server, pythons, packages, downloads } = args;
  const { platform } = server;
  return new RemoteScript(
    `${name}-prepare-server`,
    {
      server,
      removable: true,
      script: script("prepare-server.sh", {
        parts: [...["system.sh", "claim.sh", "downloads.sh", "selinux.sh", "firewalld.sh"], platform.packages.script],
        parameters: {
          ...systemParameters(platform),
          stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
          own_files: wordList([aggregateUnitFile, nginxDropInFile]),
          ...downloads.packages,
          ...downloads.files,
          disk_space: pairList(platform.packages.diskSpace),
          packages: wordList([
            ...platform.packages.base,
            ...Object.values(pythons).flatMap((python) => python.packages),
            ...packages,
          ]),
          selinux_packages: wordList(platform.packages.selinux),
        },
      }),
    },
    { parent },
  );
}

function buildWheels(name: string, args: BaseSystemArgs, afterPrepare: AfterPrepare): Record<string, RemoteScript> {
  const { server, pythons, uwsgiVersion, downloads } = args;
  const wheels = Object.entries(pythons).map(([version, python]) => {
    const wheel = new RemoteScript(
      `${name}-build-uwsgi-python${version}`,
      {
        server,
        removable: true,
        script: script("build-uwsgi.sh", {
          parts: ["python.sh"],
          parameters: {
            ...pythonParameters(python),
            ...downloads.pip,
            version: uwsgiVersion,
            folder: wheelFolder(version, uwsgiVersion),
          },
        }),
      },
      afterPrepare,
    );
    return [version, wheel] as const;
  });
  return Object.fromEntries(wheels);
}

function installNginx(name: string, args: BaseSystemArgs, afterPrepare: AfterPrepare): pulumi.Resource {
  const { server, downloads } = args;
  const { packages, nginx } = server.platform;
  const dropIn = new RemoteFile(
    `${name}-nginx-restart`,
    { server, path: nginxDropInFile, content: renderTemplate("nginx-restart.conf") },
    afterPrepare,
  );
  return new RemoteScript(
    `${name}-install-nginx`,
    {
      server,
      removable: true,
      script: script("install-nginx.sh", {
        parts: [packages.script, "claim.sh"],
        parameters: {
          ...downloads.packages,
          package: nginx.package,
          default_link: nginx.defaultSite?.link ?? "",
          default_file: nginx.defaultSite?.file ?? "",
          default_package: nginx.defaultSite?.package ?? "",
        },
      }),
    },
    { ...afterPrepare, dependsOn: [...afterPrepare.dependsOn, dropIn] },
  );
}

function versionsOf(wheels: Readonly<Record<string, RemoteScript>>): pulumi.Output<Record<string, Versions>> {
  const outputs = Object.entries(wheels).map(([python, { stdout }]) => [python, pulumi.unsecret(stdout)] as const);
  return pulumi.all(Object.fromEntries(outputs)).apply((all) =>
    Object.fromEntries(
      // Unknown after an `up --target` that excludes the wheel.
      Object.entries(all).flatMap(([python, text]) =>
        (text as string | undefined) ? [[python, JSON.parse(text) as Versions]] : [],
      ),
    ),
  );
}

function wordList(words: readonly string[]): string {
  return [...new Set(words)].sort().join(" ");
}
