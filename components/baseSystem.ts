import * as pulumi from "@pulumi/pulumi";
import { wheelFolder } from "../rendering/app";
import { renderTemplate, script } from "../rendering/assets";
import type { Host } from "./host";
import { RemoteFile } from "./remoteFile";
import { RemoteScript } from "./remoteScript";

export interface BaseSystemArgs {
  host: Host;
  /** Pythons that the apps use, by the platform's names. */
  pythons: readonly string[];
  uwsgiVersion: string;
  /** System packages that the apps ask for. */
  packages: readonly string[];
  /** CA certificates (PEM) that the server shall trust beyond its own. Default: none. */
  caCertificates?: string;
}

/** Versions that run on the host. */
export interface Versions {
  uwsgi: string;
  python: string;
}

/** What all apps of a host share: packages, uWSGI compiled once for each Python, nginx, the umbrella unit. */
export class BaseSystem extends pulumi.ComponentResource {
  /** The host is the one that the settings say and nobody else's, and packages are there: nothing is changed before. */
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
    const { host, pythons, uwsgiVersion, packages, caCertificates } = args;
    const { platform } = host;
    const parts = [platform.packageScript, "claim.sh"];
    const umbrella = "/etc/systemd/system/uwsgi.service";
    const nginxDropIn = "/etc/systemd/system/nginx.service.d/restart.conf";

    this.prepared = new RemoteScript(
      `${name}-prepare-host`,
      {
        host,
        removable: true,
        script: script("prepare-host.sh", {
          parts,
          parameters: {
            title: platform.title,
            id: platform.os.id,
            version_id: platform.os.versionId,
            architectures: platform.os.architectures.join(" "),
            stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
            own_files: wordList([umbrella, nginxDropIn]),
            ca_file: platform.trustStore.file,
            ca_update: platform.trustStore.update,
            ca_bundle: platform.trustStore.bundle,
            ca_certificates: caCertificates ?? "",
            packages: wordList([
              ...platform.basePackages,
              ...pythons.flatMap((python) => platform.pythons[python]?.packages ?? []),
              ...packages,
            ]),
          },
        }),
      },
      { parent: this },
    );
    const then = { parent: this, dependsOn: [this.prepared] };

    const wheels = pythons.map((python) => {
      const wheel = new RemoteScript(
        `${name}-build-uwsgi-python${python}`,
        {
          host,
          removable: true,
          script: script("build-uwsgi.sh", {
            parameters: {
              python: platform.pythons[python]?.executable ?? "",
              version: uwsgiVersion,
              folder: wheelFolder(python, uwsgiVersion),
              ca_bundle: platform.trustStore.bundle,
            },
          }),
        },
        then,
      );
      return [python, wheel] as const;
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
      { host, path: nginxDropIn, content: renderTemplate("nginx-restart.conf") },
      then,
    );
    this.nginx = new RemoteScript(
      `${name}-install-nginx`,
      {
        host,
        removable: true,
        script: script("install-nginx.sh", {
          parts,
          parameters: {
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
      { host, path: umbrella, content: renderTemplate("uwsgi.service") },
      then,
    );
    this.registerOutputs({ versions: this.versions });
  }
}

function wordList(words: readonly string[]): string {
  return [...new Set(words)].sort().join(" ");
}
