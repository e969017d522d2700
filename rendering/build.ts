import type { Platform } from "../platforms";
import { renderTemplate } from "./assets";
import { hardening } from "./hardening";

/** Folders that a build may write to, as far as they belong to its user; %i is its name (assets/toolkit/build.sh). */
const writable = ["/var/lib/uwsgi-nginx/builds/%i", "/opt/apps/%i/venvs", "/var/cache/uwsgi-nginx/%i"];

/** Beyond what protects the server from an app. */
const more: readonly { text: string; from?: number; before?: number }[] = [
  // Nobody starts anything for it outside of this unit.
  { text: "InaccessibleDirectories=-/run/dbus", before: 231 },
  { text: "InaccessiblePaths=-/run/dbus", from: 231 },
  { text: "MemoryMax=80%", from: 231 },
];

/** The unit uwsgi-build@.service, in which downloaded code is built. */
export function buildService({ systemd }: Platform): string {
  const added = more.filter(({ from = 0, before = Infinity }) => from <= systemd && systemd < before);
  const lines = [...hardening(systemd, { user: "_%i", writable }), ...added.map(({ text }) => text)];
  return renderTemplate("uwsgi-build.service", { hardening: lines });
}
