import type { Platform } from "../platforms";
import type { AppSettings } from "../settings/apps";
import type { Commands } from "../settings/commands";
import { renderTemplate } from "./assets";
import { hardening, limits, limitsOf } from "./hardening";

/** The unit uwsgi-command@APP.service, which runs one command of an app (assets/toolkit/commands.sh). */
export function commandService(app: string, uid: string, { systemd }: Platform, settings: AppSettings): string {
  const folder = `/opt/apps/${app}`;
  const files = `/var/lib/uwsgi-nginx/commands/${app}`;
  // `command` leads to the release. Its code is the user's only as long as build commands run.
  const writable = [`${folder}/shared`, ...settings.readWritePaths, `${folder}/command/app`, files];
  const sandbox = hardening(systemd, { user: uid, writable, instanceMetadata: settings.instanceMetadata });
  return renderTemplate("uwsgi-command.service", {
    ...{ app, uid, folder, files, timeoutSeconds: settings.commands.timeoutSeconds },
    limits: limits(systemd, limitsOf(settings)),
    // It would remove the shared memory of the live app, whose user is the same.
    hardening: sandbox.filter((line) => line !== "RemoveIPC=yes"),
  });
}

/** The commands for a reader; empty if there are none. They are part of a release. */
export function commandsText({ build, release }: Commands): string {
  return [...build.map((line) => `build: ${line}\n`), ...release.map((line) => `release: ${line}\n`)].join("");
}

/** One on each line, for the manifest. */
export function listText(texts: readonly string[]): string {
  return texts.map((it) => `${it}\n`).join("");
}
