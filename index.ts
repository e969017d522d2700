import * as pulumi from "@pulumi/pulumi";
import { BaseSystem } from "./components/baseSystem";
import { makeServer } from "./components/servers";
import { NginxSite } from "./components/nginxSite";
import { stackSettings } from "./components/stackSettings";
import { UwsgiApp } from "./components/uwsgiApp";
import { planApp } from "./rendering/app";
import { packApp, pruneArchives } from "./rendering/appSource";
import { planDownloads } from "./rendering/downloads";

const settings = stackSettings();

// Where it gets packages from.
const downloads = planDownloads(settings.server);

// The server.
const domains = Object.values(settings.apps).flatMap((app) => app.domains);
const server = makeServer("server", settings.server, { downloads, domains });

// What the apps are: plain data, before anything is done.
const archives = ".local/archives";
const plans = Object.entries(settings.apps).map(([name, app]) => {
  const source = packApp(app.source, app.requirements, archives);
  return { archive: source.archive, plan: planApp(name, app, source, server.platform, settings.uwsgi.version) };
});
pruneArchives(archives);

// What they share on the server: packages, uWSGI, nginx.
const base = new BaseSystem("base", {
  server,
  pythons: Object.fromEntries(plans.map(({ plan }) => [plan.settings.python, plan.python])),
  uwsgiVersion: settings.uwsgi.version,
  packages: plans.flatMap(({ plan }) => plan.settings.packages),
  downloads,
});

// Each app, and the site that leads to it.
const live = plans.map(({ plan, archive }) => {
  const app = new UwsgiApp(plan.name, { server, base, downloads, plan, archive });
  const site = new NginxSite(plan.name, { server, plan, app });
  return { plan, app, site };
});
const [first] = live;

/** Public address of the first app. */
export const url = first?.site.url;
/** Address of the server. */
export const address = server.address;
/** Logs in to the server. */
export const sshCommand = server.sshCommand;
/** Versions that serve the first app. */
export const uwsgiVersion = base.versions.apply((all) => first && all[first.plan.settings.python]?.uwsgi);
export const pythonVersion = base.versions.apply((all) => first && all[first.plan.settings.python]?.python);
/** By app: where people find it, its systemd unit, the id of its release. */
export const apps = pulumi.output(
  Object.fromEntries(
    live.map(({ plan, app, site }) => [plan.name, { url: site.url, service: app.service, release: app.release }]),
  ),
);
