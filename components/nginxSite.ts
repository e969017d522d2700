import * as pulumi from "@pulumi/pulumi";
import { httpPort, sitePath, type AppPlan } from "../rendering/app";
import { script } from "../rendering/assets";
import type { Server } from "./server";
import { RemoteFile } from "./remoteFile";
import { RemoteScript } from "./remoteScript";
import type { UwsgiApp } from "./uwsgiApp";

export interface NginxSiteArgs {
  server: Server;
  plan: AppPlan;
  /** The app behind the site: it must be live before nginx points at it. */
  app: UwsgiApp;
}

/** The server block of an app, in force once nginx accepts it and the app answers through it. */
export class NginxSite extends pulumi.ComponentResource {
  /** Where people find the app. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: NginxSiteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:NginxSite", name, {}, opts);
    const { server, plan, app } = args;
    const staged = `${plan.folder}/config/nginx.conf`;
    const file = new RemoteFile(
      `${name}-site`,
      { server, path: staged, content: plan.site },
      { parent: this, dependsOn: [app.folder] },
    );
    const activation = new RemoteScript(
      `${name}-activate-site`,
      {
        server,
        removable: true,
        script: script("activate-site.sh", {
          parts: ["claim.sh", "health.sh", "selinux.sh"],
          parameters: {
            app: plan.name,
            domains: plan.settings.domains.join(" "),
            staged,
            site: sitePath(plan.name, server.platform),
            ipv6_listen: plan.ipv6Listen,
            ...plan.health,
          },
          triggers: { "nginx.conf": plan.siteHash },
        }),
      },
      { parent: this, dependsOn: [file, app] },
    );

    const [domain] = plan.settings.domains;
    this.url = pulumi.all([server.address, activation.id]).apply(([address]) => {
      const port = server.httpPort === httpPort ? "" : `:${server.httpPort}`;
      return `http://${domain?.replace("*", "www") ?? address}${port}/`;
    });
    this.registerOutputs({ url: this.url });
  }
}
