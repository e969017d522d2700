import * as pulumi from "@pulumi/pulumi";
import { httpPort, sitePath, type AppPlan } from "../rendering/app";
import { script } from "../rendering/assets";
import type { Server } from "../servers/server";
import { RemoteFile } from "./remoteFile";
import { RemoteScript } from "./remoteScript";
import type { UwsgiApp } from "./uwsgiApp";

export interface NginxSiteArgs {
  server: Server;
  plan: AppPlan;
  /** The app behind the site, which must be live before nginx forwards requests to it. */
  app: UwsgiApp;
}

/** An app's server block, active once nginx accepts it and the app responds through it. */
export class NginxSite extends pulumi.ComponentResource {
  /** Public address of the app. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: NginxSiteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("uwsgi-nginx:index:NginxSite", name, {}, opts);
    const staged = `${args.plan.folder}/config/nginx.conf`;
    const file = createSiteFile(name, args, staged, this);
    const activation = activateSite(name, args, { staged, file }, this);

    this.url = pulumi.all([args.server.address, activation.id]).apply(([address]) => urlOf(args, address));
    this.registerOutputs({ url: this.url });
  }
}

function createSiteFile(name: string, { server, plan, app }: NginxSiteArgs, path: string, parent: pulumi.Resource) {
  return new RemoteFile(`${name}-site`, { server, path, content: plan.site }, { parent, dependsOn: [app.folder] });
}

function activateSite(
  name: string,
  { server, plan, app }: NginxSiteArgs,
  { staged, file }: { staged: string; file: RemoteFile },
  parent: pulumi.Resource,
): RemoteScript {
  return new RemoteScript(
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
    { parent, dependsOn: [file, app] },
  );
}

function urlOf({ server, plan }: NginxSiteArgs, address: string): string {
  const [domain] = plan.settings.domains;
  const port = server.httpPort === httpPort ? "" : `:${server.httpPort}`;
  return `http://${domain?.replace("*", "www") ?? address}${port}/`;
}
