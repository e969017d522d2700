import * as pulumi from "@pulumi/pulumi";
import {
  hasPipSecrets,
  hasSecrets,
  httpPort,
  launchScript,
  nameOf,
  withHost,
  withPipSecrets,
  withSecrets,
  type AppPlan,
} from "../rendering/app";
import { healthCheckWith, type HealthCheck } from "../rendering/healthCheck";
import { manifestText } from "../rendering/manifest";
import type { Server } from "../servers/server";

import type { BaseSystem } from "./baseSystem";
import { KeptSecrets } from "./keptSecrets";
import { RemoteStep, Shown, Upload } from "./remoteStep";

export interface UwsgiAppArgs {
  server: Server;
  base: BaseSystem;
  plan: AppPlan;
  /** Path of the packed code on your computer. */
  archive: string;
}

/** A Python app under uWSGI behind nginx: its code, and the release and the site that make it live. */
export class UwsgiApp extends pulumi.ComponentResource {
  readonly name: string;
  /** Its Python, by the platform's name. */
  readonly python: string;
  /** Public address of the app. */
  readonly url: pulumi.Output<string>;
  /** Version of the uWSGI that its requirements or the server have brought; empty if it is the system's. */
  readonly uwsgi: pulumi.Output<string | undefined>;
  /** Id of the live release. */
  readonly release: pulumi.Output<string>;
  /** Name of the app's systemd unit. */
  readonly service: pulumi.Output<string>;
  /** The request that has found it working. */
  readonly healthCheck: pulumi.Output<HealthCheck>;

  constructor(name: string, args: UwsgiAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:UwsgiApp", name, {}, opts);
    const { server, base, plan, archive } = args;
    this.name = plan.name;
    this.python = plan.settings.python;
    const code = new Upload(
      `${name}-code`,
      { server, file: archive, remotePath: plan.upload },
      { parent: this, dependsOn: [base.ready] },
    );
    const secrets = hasSecrets(plan.settings) ? KeptSecrets.ofApp(name, { server, base, plan }, this) : undefined;
    const pip = hasPipSecrets(plan.settings) ? KeptSecrets.ofPip(name, { server, base, plan }, this) : undefined;
    const host = plan.settings.healthCheck.host ?? visitorHost(args);
    const manifest = pulumi.all([host, secrets?.fingerprint, pip?.fingerprint]).apply(([asked, own, pips]) => {
      const made = withHost(own === undefined ? plan.manifest : withSecrets(plan, own), asked);
      return pips === undefined ? made : withPipSecrets(made, pips);
    });
    const live = new RemoteStep(
      `${name}-app`,
      { server, command: ["bash", launchScript, "app"], stdin: manifest.apply(manifestText) },
      { parent: this, dependsOn: [base.toolkit, code, ...[secrets, pip].flatMap((it) => it?.kept ?? [])] },
    );
    const shown = {
      ...plan.shown,
      ...(secrets ? { secrets: secrets.shown } : {}),
      ...(pip ? { "pip's secrets": pip.shown } : {}),
    };
    new Shown("AppFiles", `${name}-files`, shown, live, this);

    this.uwsgi = live.result<{ uwsgi?: string }>().apply((it) => it?.uwsgi);
    // Only known once the release is live.
    this.release = pulumi.all([manifest, live.id]).apply(([{ release }]) => release);
    this.service = live.id.apply(() => plan.service);
    this.url = pulumi.all([visitorHost(args), live.id]).apply(([it]) => `http://${it}/`);
    this.healthCheck = pulumi.all([host, live.id]).apply(([it]) => healthCheckWith(it, plan.settings.healthCheck));
    this.registerOutputs({ url: this.url, release: this.release, service: this.service });
  }
}

/** The Host header of visitors: the app's name or the server's address, with the port if it is not the usual one. */
function visitorHost({ server, plan }: UwsgiAppArgs): pulumi.Output<string> {
  const port = server.httpPort === httpPort ? "" : `:${server.httpPort}`;
  const name = nameOf(plan.settings);
  if (name !== undefined) return pulumi.output(`${name}${port}`);
  // Undefined if an `up --target` excludes it.
  const address = server.address as pulumi.Output<string | undefined>;
  return address.apply((it) => `${it?.includes(":") ? `[${it}]` : it}${port}`);
}
