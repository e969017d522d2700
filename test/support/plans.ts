// What is decided about the app `hello`, for tests of texts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platforms, type Platform } from "../../platforms";
import { type AppPlan, planApp } from "../../rendering/app";
import { planDownloads } from "../../rendering/downloads";
import { packToolkit } from "../../rendering/toolkit";
import { appSchema } from "../../settings/apps";
import type { CodeFiles } from "../../settings/codeFiles";
import { settingsSchema } from "../../settings/schema";
import type { UwsgiSettings } from "../../settings/uwsgi";
import { uwsgi } from "./defaults";

interface Given {
  readonly source?: { readonly hash?: string; readonly requirements?: string; readonly files?: Files };
  readonly platform?: Platform;
  readonly uwsgi?: UwsgiSettings;
}

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Code with these files. */
export function codeOf(files: Files): CodeFiles {
  return { names: Object.keys(files), bytes: (name) => Buffer.from(files[name] ?? "") };
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
  const requirements = given.source?.requirements;
  return planApp("hello", {
    ...{ platform: platforms.debian12, downloads: defaultDownloads, uwsgi, ...given },
    settings: appSchema.parse(settings),
    source: {
      hash: given.source?.hash ?? "0123456789abcdef",
      archiveHash: "",
      code: codeOf({
        ...given.source?.files,
        ...(requirements === undefined ? {} : { "requirements.txt": requirements }),
      }),
    },
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
