import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { sitePath, type AppPlan } from "../rendering/app";
import { script } from "../rendering/assets";
import { pythonParameters, type Downloads } from "../rendering/downloads";
import type { Server } from "../servers/server";
import type { BaseSystem } from "./baseSystem";
import { RemoteFile } from "./remoteFile";
import { serverResourceOptions, RemoteScript } from "./remoteScript";

export interface UwsgiAppArgs {
  server: Server;
  base: BaseSystem;
  /** Where packages come from. */
  downloads: Downloads;
  plan: AppPlan;
  /** Path of the packed code on your computer. */
  archive: string;
}

/** A Python app under uWSGI: its code, its virtual environment, its unit, and the release that makes them live. */
export class UwsgiApp extends pulumi.ComponentResource {
  /** Id of the live release. */
  readonly release: pulumi.Output<string>;
  /** Name of the app's systemd unit. */
  readonly service: pulumi.Output<string>;
  /** The app's folder exists, and the stack has claimed it. */
  readonly folder: pulumi.Resource;

  constructor(name: string, args: UwsgiAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:UwsgiApp", name, {}, opts);
    const { plan } = args;
    this.folder = createFolder(name, args, this);
    // Nothing is written to the folder before it is claimed, because it may belong to another app.
    const inAppFolder = { parent: this, dependsOn: [this.folder] };
    const ini = createFile(`${name}-ini`, args, { fileName: "uwsgi.ini", content: plan.ini }, inAppFolder);
    const unit = createFile(`${name}-unit`, args, { fileName: "uwsgi.service", content: plan.unit }, inAppFolder);
    const code = uploadCode(name, args, inAppFolder);
    const environment = createEnvironment(name, args, inAppFolder);
    const release = releaseApp(name, args, { parent: this, dependsOn: [ini, unit, code, environment] });

    // Only known once the release is live.
    this.release = release.id.apply(() => plan.release);
    this.service = release.id.apply(() => plan.service);
    this.registerOutputs({ release: this.release, service: this.service });
  }
}

/** Options of what depends on other resources of the app. */
interface AppOptions {
  parent: pulumi.Resource;
  dependsOn: pulumi.Resource[];
}

const configFile = (plan: AppPlan, name: string) => `${plan.folder}/config/${name}`;
const uploadedCode = (plan: AppPlan) => configFile(plan, "app.tar.gz");

function createFolder(name: string, { server, base, plan }: UwsgiAppArgs, parent: pulumi.Resource): pulumi.Resource {
  return new RemoteScript(
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
          upload: uploadedCode(plan),
          user: server.loginUser,
        },
      }),
    },
    { parent, dependsOn: [base.prepared] },
  );
}

function createFile(
  name: string,
  { server, plan }: UwsgiAppArgs,
  { fileName, content }: { fileName: string; content: string },
  inAppFolder: AppOptions,
): pulumi.Resource {
  return new RemoteFile(name, { server, path: configFile(plan, fileName), content }, inAppFolder);
}

function uploadCode(name: string, { server, plan, archive }: UwsgiAppArgs, inAppFolder: AppOptions): pulumi.Resource {
  return new command.remote.CopyToRemote(
    `${name}-code`,
    {
      connection: server.connection,
      source: new pulumi.asset.FileAsset(archive),
      remotePath: uploadedCode(plan),
      triggers: [server.identity],
    },
    { ...inAppFolder, ...serverResourceOptions(server) },
  );
}

function createEnvironment(name: string, args: UwsgiAppArgs, inAppFolder: AppOptions): pulumi.Resource {
  const { server, plan, downloads } = args;
  const fileName = "requirements.txt";
  const requirements = plan.requirements
    ? createFile(`${name}-requirements`, args, { fileName, content: plan.requirements }, inAppFolder)
    : undefined;
  return new RemoteScript(
    `${name}-make-environment`,
    {
      server,
      script: script("make-environment.sh", {
        parts: ["python.sh"],
        parameters: {
          ...pythonParameters(plan.python),
          ...downloads.pip,
          venv: plan.venv,
          requirements: requirements ? configFile(plan, fileName) : "",
          cache: `${plan.folder}/pip-cache`,
        },
      }),
    },
    { ...inAppFolder, dependsOn: [...inAppFolder.dependsOn, ...(requirements ? [requirements] : [])] },
  );
}

function releaseApp(name: string, { server, base, plan }: UwsgiAppArgs, { parent, dependsOn }: AppOptions) {
  const wheel = base.wheels[plan.settings.python];
  return new RemoteScript(
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
          archive: uploadedCode(plan),
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
    { parent, dependsOn: [...dependsOn, base.aggregateUnit, base.nginx, ...(wheel ? [wheel] : [])] },
  );
}
