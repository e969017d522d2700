import { z } from "zod";
import { setting } from "./setting";

const urlPath = setting(
  z
    .string()
    .max(200)
    .regex(/^\/([\w~-][\w.~-]*\/)+$/),
  {
    meaning: "URL path whose files nginx serves itself, without the app.",
    allowed: "a path such as /static/, which starts and ends with /",
    placeholder: "PATH",
  },
);

const folder = setting(
  z
    .string()
    .max(200)
    .regex(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/),
  {
    meaning:
      "Folder in the app's code with these files, as they are after the build commands. Each release has a copy that everybody may " +
      "read, without links and without files whose names begin with a dot.",
    allowed: "the path of a folder in the app's code, such as staticfiles",
  },
);

/** Folders of an app that nginx serves, by URL path. */
export const staticSchema = z.record(urlPath, folder).default({});
