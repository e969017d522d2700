import * as pulumi from "@pulumi/pulumi";
import { BaseSystem } from "./components/baseSystem";
import { NginxSite } from "./components/nginxSite";
import { stackSettings } from "./components/stackSettings";
import { UwsgiApp } from "./components/uwsgiApp";
import { planApp } from "./rendering/app";
import { packApp, pruneArchives } from "./rendering/appSource";
import { planDownloads } from "./rendering/downloads";
import { kindOf, makeServer } from "./servers/registry";

const settings = stackSettings();

// Where the server downloads packages from.
const { onYourComputer } = kindOf(settings.server);
const downloads = planDownloads({ ...settings.server, onYourComputer });

// The server.
const domains = Object.values(settings.apps).flatMap((app) => app.domains);
const server = makeServer("server", settings.server, { downloads, domains });

// The apps as plain data: their code, files and releases.
const archives = ".local/archives";
const plans = Object.entries(settings.apps).map(([name, app]) => {
  const source = packApp(app.source, app.requirements, archives);
  return { archive: source.archive, plan: planApp(name, app, source, server.platform, settings.uwsgi.version) };
});
pruneArchives(archives);

// What the apps share on the server: packages, uWSGI, nginx.
const base = new BaseSystem("base", {
  server,
  pythons: Object.fromEntries(plans.map(({ plan }) => [plan.settings.python, plan.python])),
  uwsgiVersion: settings.uwsgi.version,
  packages: plans.flatMap(({ plan }) => plan.settings.packages),
  downloads,
});

// Each app and its site.
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
/** Command line that logs in to the server. */
export const sshCommand = server.sshCommand;
/** Versions that serve the first app. */
export const uwsgiVersion = base.versions.apply((all) => first && all[first.plan.settings.python]?.uwsgi);
export const pythonVersion = base.versions.apply((all) => first && all[first.plan.settings.python]?.python);
/** For each app: its public address, its systemd unit, the id of its live release. */
export const apps = pulumi.output(
  Object.fromEntries(
    live.map(({ plan, app, site }) => [plan.name, { url: site.url, service: app.service, release: app.release }]),
  ),
);
