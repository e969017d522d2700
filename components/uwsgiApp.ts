import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AppPlan } from "../rendering/app";
import { script } from "../rendering/assets";
import { pythonParameters, type Downloads } from "../rendering/downloads";
import type { BaseSystem } from "./baseSystem";
import type { Host } from "./host";
import { RemoteFile } from "./remoteFile";
import { onHost, RemoteScript } from "./remoteScript";

export interface UwsgiAppArgs {
  host: Host;
  base: BaseSystem;
  /** Where packages come from. */
  downloads: Downloads;
  plan: AppPlan;
  /** Path of the packed code on the machine that runs Pulumi. */
  archive: string;
}

/** A Python app under uWSGI: its code, its environment, its unit, and the release that makes them live. */
export class UwsgiApp extends pulumi.ComponentResource {
  /** Id of the live release. */
  readonly release: pulumi.Output<string>;
  /** Name of the app's systemd unit. */
  readonly service: pulumi.Output<string>;

  constructor(name: string, args: UwsgiAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:UwsgiApp", name, {}, opts);
    const { host, base, downloads, plan, archive } = args;
    const parent = { parent: this };
    // No file before the host is known to be the one that the settings say.
    const then = { ...parent, dependsOn: [base.prepared] };
    const config = `${plan.folder}/config`;

    const file = (suffix: string, fileName: string, content: string) =>
      new RemoteFile(`${name}-${suffix}`, { host, path: `${config}/${fileName}`, content }, then);
    const ini = file("ini", "uwsgi.ini", plan.ini);
    const unit = file("unit", "uwsgi.service", plan.unit);
    const requirements = plan.requirements ? file("requirements", "requirements.txt", plan.requirements) : undefined;

    const code = new command.remote.CopyToRemote(
      `${name}-code`,
      {
        connection: host.connection,
        source: new pulumi.asset.FileAsset(archive),
        remotePath: `${config}/app.tar.gz`,
        triggers: [host.identity],
      },
      // The folder comes with the ini.
      { ...parent, ...onHost(host), dependsOn: [ini] },
    );

    const environment = new RemoteScript(
      `${name}-make-environment`,
      {
        host,
        script: script("make-environment.sh", {
          parts: ["python.sh"],
          parameters: {
            ...pythonParameters(plan.python),
            ...downloads.pip,
            venv: plan.venv,
            requirements: requirements ? `${config}/requirements.txt` : "",
          },
        }),
      },
      { ...parent, dependsOn: [base.prepared, ...(requirements ? [requirements] : [])] },
    );

    const wheel = base.wheels[plan.settings.python];
    const release = new RemoteScript(
      `${name}-release`,
      {
        host,
        removable: true,
        script: script("release-app.sh", {
          parts: ["health.sh", "selinux.sh"],
          parameters: {
            app: plan.name,
            release: plan.release,
            folder: plan.folder,
            archive: `${config}/app.tar.gz`,
            venv: plan.venv,
            wheels: plan.wheels,
            uwsgi_version: plan.uwsgiVersion,
            uid: plan.uid,
            uid_given: String(plan.settings.uid !== undefined),
            group: plan.group,
            nginx_user: host.platform.nginx.user,
            socket: plan.socket,
            ...plan.health,
          },
          reactsTo: { "uwsgi.service": plan.unitHash },
        }),
      },
      {
        ...parent,
        dependsOn: [ini, unit, code, environment, base.umbrella, base.nginx, ...(wheel ? [wheel] : [])],
      },
    );

    // Known only when the release is live, so that nobody is told of one that is not.
    this.release = release.id.apply(() => plan.release);
    this.service = release.id.apply(() => plan.service);
    this.registerOutputs({ release: this.release, service: this.service });
  }
}
