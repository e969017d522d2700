import * as pulumi from "@pulumi/pulumi";
import type { Python } from "../platforms";
import { wheelFolder } from "../rendering/app";
import { renderTemplate, script } from "../rendering/assets";
import { pairList, pythonParameters, systemParameters, type Downloads } from "../rendering/downloads";
import type { Server } from "./server";
import { RemoteFile } from "./remoteFile";
import { RemoteScript } from "./remoteScript";

export interface BaseSystemArgs {
  server: Server;
  /** Pythons that the apps use, by the platform's names. */
  pythons: Readonly<Record<string, Python>>;
  uwsgiVersion: string;
  /** System packages that the apps ask for. */
  packages: readonly string[];
  /** Where packages come from, and whom the server trusts. */
  downloads: Downloads;
}

/** Versions that run on the server. */
export interface Versions {
  uwsgi: string;
  python: string;
}

/** What all apps of a server share: packages, uWSGI compiled once for each Python, nginx, the umbrella unit. */
export class BaseSystem extends pulumi.ComponentResource {
  /** The server is the one that the settings say and nobody else's, and packages are there: nothing is changed before. */
  readonly prepared: pulumi.Resource;
  /** uWSGI is compiled, by Python. */
  readonly wheels: Readonly<Record<string, pulumi.Resource>>;
  /** nginx runs and includes sites. */
  readonly nginx: pulumi.Resource;
  /** uwsgi.service is there. */
  readonly umbrella: pulumi.Resource;
  /** Versions by Python. */
  readonly versions: pulumi.Output<Record<string, Versions>>;

  constructor(name: string, args: BaseSystemArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:BaseSystem", name, {}, opts);
    const { server, pythons, uwsgiVersion, packages, downloads } = args;
    const { platform } = server;
    const umbrella = "/etc/systemd/system/uwsgi.service";
    const nginxDropIn = "/etc/systemd/system/nginx.service.d/restart.conf";

    this.prepared = new RemoteScript(
      `${name}-prepare-server`,
      {
        server,
        removable: true,
        script: script("prepare-server.sh", {
          parts: [...["system.sh", "claim.sh", "downloads.sh", "selinux.sh", "firewalld.sh"], platform.packages.script],
          parameters: {
            ...systemParameters(platform),
            stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
            own_files: wordList([umbrella, nginxDropIn]),
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
      { parent: this },
    );
    const then = { parent: this, dependsOn: [this.prepared] };

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
        then,
      );
      return [version, wheel] as const;
    });
    this.wheels = Object.fromEntries(wheels);
    this.versions = pulumi
      .all(Object.fromEntries(wheels.map(([python, wheel]) => [python, pulumi.unsecret(wheel.stdout)])))
      .apply((all) =>
        Object.fromEntries(
          // An `up --target` that leaves it out does not know what it prints.
          Object.entries(all).flatMap(([python, text]) =>
            (text as string | undefined) ? [[python, JSON.parse(text) as Versions]] : [],
          ),
        ),
      );

    const nginxRestart = new RemoteFile(
      `${name}-nginx-restart`,
      { server, path: nginxDropIn, content: renderTemplate("nginx-restart.conf") },
      then,
    );
    this.nginx = new RemoteScript(
      `${name}-install-nginx`,
      {
        server,
        removable: true,
        script: script("install-nginx.sh", {
          parts: [platform.packages.script, "claim.sh"],
          parameters: {
            ...downloads.packages,
            package: platform.nginx.package,
            default_link: platform.nginx.defaultSite?.link ?? "",
            default_file: platform.nginx.defaultSite?.file ?? "",
            default_package: platform.nginx.defaultSite?.package ?? "",
          },
        }),
      },
      { parent: this, dependsOn: [this.prepared, nginxRestart] },
    );
    this.umbrella = new RemoteFile(
      `${name}-uwsgi-service`,
      { server, path: umbrella, content: renderTemplate("uwsgi.service") },
      then,
    );
    this.registerOutputs({ versions: this.versions });
  }
}

function wordList(words: readonly string[]): string {
  return [...new Set(words)].sort().join(" ");
}
