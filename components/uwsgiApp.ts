import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { sitePath, type AppPlan } from "../rendering/app";
import { script } from "../rendering/assets";
import { pythonParameters, type Downloads } from "../rendering/downloads";
import type { BaseSystem } from "./baseSystem";
import type { Server } from "./server";
import { RemoteFile } from "./remoteFile";
import { serverResourceOptions, RemoteScript } from "./remoteScript";

export interface UwsgiAppArgs {
  server: Server;
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
  /** The app's folder is there, and is its own. */
  readonly folder: pulumi.Resource;

  constructor(name: string, args: UwsgiAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:UwsgiApp", name, {}, opts);
    const { server, base, downloads, plan, archive } = args;
    const parent = { parent: this };
    const config = `${plan.folder}/config`;
    const upload = `${config}/app.tar.gz`;

    this.folder = new RemoteScript(
      `${name}-folder`,
      {
        server,
        removable: true,
        script: script("make-app-folder.sh", {
          parts: ["claim.sh"],
          parameters: {
            app: plan.name,
            folder: plan.folder,
            paths: `/etc/systemd/system/${plan.service} ${sitePath(plan.name, server.platform)}`,
            upload,
            user: server.loginUser,
          },
        }),
      },
      { ...parent, dependsOn: [base.prepared] },
    );
    // Before it nothing is written: what is there might be somebody else's.
    const then = { ...parent, dependsOn: [this.folder] };
    const file = (suffix: string, fileName: string, content: string) =>
      new RemoteFile(`${name}-${suffix}`, { server, path: `${config}/${fileName}`, content }, then);
    const ini = file("ini", "uwsgi.ini", plan.ini);
    const unit = file("unit", "uwsgi.service", plan.unit);
    const requirements = plan.requirements ? file("requirements", "requirements.txt", plan.requirements) : undefined;

    const code = new command.remote.CopyToRemote(
      `${name}-code`,
      {
        connection: server.connection,
        source: new pulumi.asset.FileAsset(archive),
        remotePath: upload,
        triggers: [server.identity],
      },
      { ...then, ...serverResourceOptions(server) },
    );

    const environment = new RemoteScript(
      `${name}-make-environment`,
      {
        server,
        script: script("make-environment.sh", {
          parts: ["python.sh"],
          parameters: {
            ...pythonParameters(plan.python),
            ...downloads.pip,
            venv: plan.venv,
            requirements: requirements ? `${config}/requirements.txt` : "",
            cache: `${plan.folder}/pip-cache`,
          },
        }),
      },
      { ...parent, dependsOn: [this.folder, ...(requirements ? [requirements] : [])] },
    );

    const wheel = base.wheels[plan.settings.python];
    const release = new RemoteScript(
      `${name}-release`,
      {
        server,
        removable: true,
        script: script("release-app.sh", {
          parts: ["health.sh", "selinux.sh", "claim.sh"],
          parameters: {
            app: plan.name,
            release: plan.release,
            folder: plan.folder,
            archive: upload,
            venv: plan.venv,
            wheels: plan.wheels,
            uwsgi_version: plan.uwsgiVersion,
            uid: plan.uid,
            uid_given: String(plan.settings.uid !== undefined),
            group: plan.group,
            nginx_user: server.platform.nginx.user,
            socket: plan.socket,
            chown_socket: plan.chownSocket,
            chmod_socket: plan.settings.chmodSocket,
            trial_ini: plan.trialIni,
            ...plan.health,
          },
          triggers: { "uwsgi.service": plan.unitHash },
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
