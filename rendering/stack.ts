import type { Platform } from "../platforms";
import type { Settings } from "../settings/schema";
import type { Sources } from "../settings/source";
import { planApp, type AppPlan } from "./app";
import { packApp } from "./appSource";
import { pruneArchives } from "./archives";
import type { Downloads } from "./downloads";
import { planServer, type ServerPlan } from "./server";
import { packToolkit, serverStep, type Toolkit } from "./toolkit";

/** Everything that is decided about a stack's server before anything is deployed. */
export interface StackPlan {
  server: ServerPlan;
  /** Stdin of the step that makes it so. */
  serverStep: string;
  toolkit: Toolkit;
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
  /** Lists the apps' code. */
  sources: Sources;
  /** User that uploads toolkit and code. */
  loginUser: string;
}

/** @param archives folder on your computer for the packed toolkit and code */
export function planStack(settings: Settings, args: StackPlanArgs, archives: string): StackPlan {
  const shared = { ...args, uwsgi: settings.uwsgi };
  const apps = Object.entries(settings.apps).map(([name, app]) => {
    const source = packApp(args.sources.of(app), archives);
    return { plan: planApp(name, { ...shared, settings: app, source }), archive: source.archive };
  });
  const toolkit = packToolkit(archives);
  const server = planServer({ ...shared, toolkit, apps: Object.values(settings.apps) });
  const step = serverStep(server.manifest, archives);
  pruneArchives(archives);
  return { server, serverStep: step, toolkit, apps };
}
