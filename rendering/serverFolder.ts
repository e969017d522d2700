import * as fs from "node:fs";
import { assetFiles, renderTemplate } from "./assets";
import { hasSecrets, withSecrets, type AppPlan } from "./app";
import { manifestText } from "./manifest";
import { secretsFile } from "./secrets";
import type { StackPlan } from "./stack";

/**
 * What a server receives, as files of a folder: the toolkit, the manifests, what is uploaded, and the texts as they will
 * stand on the server. Its script set-up.sh does what a deployment does, by hand. The values of secrets are left empty.
 */
export function serverFolder({ server, apps, toolkit }: StackPlan): Record<string, string | Buffer> {
  const scripts = assetFiles("toolkit").map(({ name, text }) => [`toolkit/${name}`, text] as const);
  const files = [...Object.entries(server.files), ...apps.flatMap(({ plan }) => Object.entries(plan.files))];
  return {
    "set-up.sh": renderTemplate("set-up.sh", { stack: server.manifest.stack }),
    ...Object.fromEntries(scripts),
    "toolkit/version": `${toolkit.version}\n`,
    "manifests/server": manifestText(server.manifest),
    ...Object.fromEntries(apps.flatMap(({ plan }) => appFiles(plan))),
    "uploads/toolkit.tar.gz": fs.readFileSync(toolkit.archive),
    ...Object.fromEntries(apps.map(({ plan, archive }) => [`uploads/${plan.name}.tar.gz`, fs.readFileSync(archive)])),
    ...Object.fromEntries(files.map(([path, text]) => [`files${path}`, text])),
  };
}

/** Takes the place of a fingerprint. */
const byHand = "by-hand";

function appFiles(plan: AppPlan): (readonly [string, string])[] {
  const manifest = `manifests/apps/${plan.name}`;
  if (!hasSecrets(plan.settings)) return [[manifest, manifestText(plan.manifest)]];
  const empty = Object.fromEntries(Object.keys(plan.settings.secrets).map((name) => [name, ""]));
  return [
    [manifest, manifestText(withSecrets(plan, byHand))],
    [`secrets/${plan.name}`, secretsFile(empty, byHand)],
  ];
}
