import { kindOf, serverSchema } from "../servers/registry";
import { appChecks } from "./appChecks";
import { appNameSchema, appSchema, defaultApps, type Apps } from "./apps";
import type { Mistake } from "./mistake";
import { commonServerChecks } from "./serverCommon";
import type { Sources } from "./source";

/**
 * What no single setting shows: paths that do not exist, conflicts between two settings. Settings that are invalid by
 * themselves are skipped, so that one run reports both kinds of mistakes.
 */
export function checkSettings(values: Readonly<Record<string, unknown>>, folder: string, sources: Sources): Mistake[] {
  const apps = validApps(values.apps ?? defaultApps);
  const server = serverSchema.safeParse(values.server).data;
  return [
    ...(server ? kindOf(server).checks(server, { apps, folder }) : []),
    ...(server ? commonServerChecks(server, folder) : []),
    ...appChecks(apps, { platform: server?.platform, folder, sources }),
  ];
}

function validApps(values: unknown): Apps {
  if (typeof values !== "object" || values === null) return [];
  return Object.entries(values).flatMap(([name, value]) => {
    const parsed = appSchema.safeParse(value);
    return parsed.success && appNameSchema.safeParse(name).success ? [[name, parsed.data] as const] : [];
  });
}
