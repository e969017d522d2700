import * as path from "node:path";
import type { Platform } from "../platforms";
import type { Settings } from "../settings/schema";
import { planApp, type AppPlan } from "./app";
import { packApp, pruneArchives } from "./appSource";
import type { Downloads } from "./downloads";
import { planServer, type ServerPlan } from "./server";
import { toolkitFile } from "./toolkit";

/** Everything that is decided about a stack's server before anything is deployed. */
export interface StackPlan {
  server: ServerPlan;
  /** Path of the packed toolkit on your computer. */
  toolkit: string;
  apps: {
    plan: AppPlan;
    /** Path of the packed code on your computer. */
    archive: string;
  }[];
}

export interface StackPlanArgs {
  /** PROJECT/STACK */
  stack: string;
  platform: Platform;
  downloads: Downloads;
  /** The project's folder, which the apps' sources are relative to. */
  folder: string;
  /** User that uploads toolkit and code. */
  loginUser: string;
}

/** @param archives folder on your computer for the packed toolkit and code */
export function planStack(settings: Settings, args: StackPlanArgs, archives: string): StackPlan {
  const shared = { ...args, uwsgiVersion: settings.uwsgi.version };
  const apps = Object.entries(settings.apps).map(([name, app]) => {
    const source = packApp(path.resolve(args.folder, app.source), app.requirements, archives);
    return { plan: planApp(name, { ...shared, settings: app, source }), archive: source.archive };
  });
  const toolkit = toolkitFile(archives);
  pruneArchives(archives);
  return { server: planServer({ ...shared, apps: Object.values(settings.apps) }), toolkit, apps };
}
