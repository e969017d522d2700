import { z } from "zod";
import { serverSchema } from "../servers/registry";
import { appsSchema } from "./apps";
import { uwsgiSchema } from "./uwsgi";

/** All settings of a stack. */
export const settingsSchema = z.strictObject({
  server: serverSchema,
  uwsgi: uwsgiSchema,
  apps: appsSchema,
});

export type Settings = z.output<typeof settingsSchema>;
