import * as pulumi from "@pulumi/pulumi";
import { uploadsFolder } from "../rendering/app";
import { inlineScript } from "../rendering/assets";
import type { ServerPlan } from "../rendering/server";
import type { Server } from "../servers/server";
import { RemoteStep, Shown, Upload } from "./remoteStep";

export interface BaseSystemArgs {
  server: Server;
  plan: ServerPlan;
  /** Stdin of the step that makes it so. */
  step: string;
  /** Path of the packed toolkit on your computer. */
  toolkit: string;
}

/** Versions that run on the server. */
export interface Versions {
  uwsgi: string;
  python: string;
}

/** What all apps of a server share: packages, uWSGI for each Python, nginx, the aggregate unit, the toolkit. */
export class BaseSystem extends pulumi.ComponentResource {
  /** Preflight checks have passed, the stack has claimed the server, and the server is ready for apps. */
  readonly ready: pulumi.Resource;
  /** The server has the toolkit. */
  readonly toolkit: pulumi.Resource;
  /** Versions by Python. Undefined if an `up --target` excludes them. */
  readonly versions: pulumi.Output<Record<string, Versions> | undefined>;

  constructor(
    name: string,
    { server, plan, step: stdin, toolkit }: BaseSystemArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("uwsgi-nginx:index:BaseSystem", name, {}, opts);
    const step = new RemoteStep(
      `${name}-server`,
      {
        server,
        command: ["bash", "-c", inlineScript("unpack-and-run.sh"), "toolkit", "server"],
        stdin,
      },
      { parent: this },
    );
    new Shown("ServerFiles", `${name}-files`, plan.shown, step, this);
    this.ready = step;
    this.toolkit = new Upload(
      `${name}-toolkit`,
      { server, file: toolkit, remotePath: `${uploadsFolder}/toolkit.tar.gz` },
      { parent: this, dependsOn: [step] },
    );
    this.versions = step.result();
    this.registerOutputs({ versions: this.versions });
  }
}
