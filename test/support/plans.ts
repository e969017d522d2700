// What is decided about the app `hello`, for tests of texts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platforms, type Platform } from "../../platforms";
import { type AppPlan, planApp } from "../../rendering/app";
import { planDownloads } from "../../rendering/downloads";
import { packToolkit } from "../../rendering/toolkit";
import { appSchema } from "../../settings/apps";
import { settingsSchema } from "../../settings/schema";
import type { UwsgiSettings } from "../../settings/uwsgi";
import { uwsgi } from "./defaults";

interface Given {
  readonly source?: { readonly hash?: string; readonly requirements?: string };
  readonly platform?: Platform;
  readonly uwsgi?: UwsgiSettings;
}

/** A folder for packed archives. */
export const archives = mkdtempSync(join(tmpdir(), "archives-"));
process.once("exit", () => {
  rmSync(archives, { recursive: true, force: true });
});
export const toolkit = packToolkit(archives);

/** Where packages come from if the settings do not say. */
export const defaultDownloads = planDownloads({ ...settingsSchema.parse({}).server, onYourComputer: true }, {});

export function helloPlan(settings: Record<string, unknown> = {}, given: Given = {}): AppPlan {
  return planApp("hello", {
    ...{ platform: platforms.debian12, downloads: defaultDownloads, uwsgi, ...given },
    settings: appSchema.parse(settings),
    source: { hash: "0123456789abcdef", requirements: "", ...given.source },
  });
}

/** The texts of its files. */
export function helloFiles(settings?: Record<string, unknown>, given?: Given) {
  const {
    uwsgi_ini = "",
    uwsgi_service = "",
    uwsgi_socket = "",
    nginx_conf = "",
  } = helloPlan(settings, given).manifest;
  return { ini: uwsgi_ini, unit: uwsgi_service, socket: uwsgi_socket, site: nginx_conf };
}
