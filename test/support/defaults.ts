// What the product does where a setting says nothing, for tests that are not about that value.
import type { AppSettings } from "../../settings/apps";
import { settingsSchema } from "../../settings/schema";
import { sourceVersion } from "../../settings/uwsgi";

const settings = settingsSchema.parse({ apps: { hello: {} } });

/** Of an app. */
export const [appDefaults] = Object.values(settings.apps) as [AppSettings];
export const { uwsgi } = settings;
export const uwsgiVersion = sourceVersion;
