import type { z } from "zod";
import type { Downloads } from "../rendering/downloads";
import type { Apps } from "../settings/apps";
import type { Mistake } from "../settings/mistake";
import type { Hint } from "./hint";
import type { Server } from "./server";

/** A kind of server. It is pure, except that `create` loads the component. */
export interface ServerKind<Schema extends z.ZodObject = z.ZodObject> {
  /** Its settings; the setting `kind` is its name. */
  readonly schema: Schema;
  /** Resource plugins that it needs besides those of every stack, e.g. `aws`. */
  readonly plugins: readonly string[];
  /** It needs a container engine on your computer. */
  readonly needsContainers: boolean;
  /** The server runs on your computer. */
  readonly onYourComputer: boolean;
  /** The user that a deployment logs in as. */
  loginUser(settings: z.output<Schema>): string;
  /** What to do about the errors of its own. */
  readonly hints: readonly Hint[];
  /** What no single setting shows. */
  checks(settings: z.output<Schema>, inputs: CheckInputs): Mistake[];
  /** Creates the component. Its module, and a cloud's SDK with it, is only loaded by the stacks that use it. */
  create(name: string, settings: z.output<Schema>, inputs: ServerInputs): Server;
}

export interface CheckInputs {
  apps: Apps;
  /** Folder that paths in the settings are relative to. */
  folder: string;
}

/** What a server needs from the rest of the stack. */
export interface ServerInputs {
  downloads: Downloads;
  /** Domain names of the apps. */
  domains: readonly string[];
}

/** Infers the schema. */
export function defineKind<Schema extends z.ZodObject>(kind: ServerKind<Schema>): ServerKind<Schema> {
  return kind;
}
