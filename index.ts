import * as pulumi from "@pulumi/pulumi";
import { BaseSystem } from "./components/baseSystem";
import { sendNoDebugMessages } from "./components/debugMessages";
import { recordNoStackTraces } from "./components/leanState";
import { stackSettings, withoutStackTrace } from "./components/stackSettings";
import { UwsgiApp } from "./components/uwsgiApp";
import { planDownloads } from "./rendering/downloads";
import { planStack } from "./rendering/stack";
import { kindOf, makeServer } from "./servers/registry";
import { SourceChanged } from "./settings/sourceTree";

sendNoDebugMessages();
recordNoStackTraces();
const { settings, sources } = stackSettings();

// Where the server downloads packages from.
const kind = kindOf(settings.server);
const downloads = planDownloads({ ...settings.server, onYourComputer: kind.onYourComputer });

// The server.
const domains = Object.values(settings.apps).flatMap((app) => app.domains);
const server = makeServer("server", settings.server, { downloads, domains });

// What is to be on it, as plain data.
const stack = {
  stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
  platform: server.platform,
  downloads,
  sources,
  loginUser: kind.loginUser(settings.server),
};
const plan = withoutStackTrace(SourceChanged, () => planStack(settings, stack, ".local/archives"));

// What the apps share: packages, uWSGI, nginx.
const base = new BaseSystem("base", {
  server,
  plan: plan.server,
  step: plan.serverStep,
  toolkit: plan.toolkit.archive,
});

// The apps.
const live = plan.apps.map((app) => new UwsgiApp(app.plan.name, { server, base, ...app }));
const [first] = live;
const versions = base.versions.apply((all) => first && all?.[first.python]);

/** Public address of the first app. */
export const url = first?.url;
/** Address of the server. */
export const address = server.address;
/** Command line that logs in to the server. */
export const sshCommand = server.sshCommand;
/** Versions that serve the first app. */
export const uwsgiVersion = pulumi
  .all([first?.uwsgi, versions])
  .apply(([own, it]) => (own === "" ? undefined : own) ?? it?.uwsgi);
export const pythonVersion = versions.apply((it) => it?.python);
/** For each app: its public address, its systemd unit, the id of its live release, its health check. */
export const apps = pulumi.output(
  Object.fromEntries(
    live.map(({ name, url, service, release, healthCheck }) => [name, { url, service, release, healthCheck }]),
  ),
);
