import { z } from "zod";
import type { Mistake } from "./mistake";
import { setting } from "./setting";

// eslint-disable-next-line no-control-regex
const segment = /^(?!\.{1,2}$)[^\u0000-\u001f\u007f]+$/;

/** A path inside the app. A slash at its end changes nothing. */
const pathInApp = z
  .string()
  .max(200)
  .overwrite((path) => path.replace(/(?<=.)\/+$/, ""))
  .refine((path) => path.split("/").every((part) => segment.test(part)));

/** Absolute, and without what a unit's file would take for its own syntax. */
const absolutePath = z.string().regex(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9@._+-]+)+$/);

/** What an app may write to. */
export const writableOptions = {
  folders: setting(z.array(pathInApp).default([]), {
    meaning:
      "Folders of the app that it may write to, relative to its code. They are kept across releases, in `/opt/apps/APP/shared`. " +
      "What `source` has in them is copied there once.",
    allowed: "a list of paths inside the app, such as media or var/log",
  }),
  files: setting(z.array(pathInApp).default([]), {
    meaning:
      "The same for single files, which need not exist. For a database of a SQLite before 3.10, keep its folder.",
    allowed: "a list of paths inside the app, such as db.sqlite3",
  }),
  readWritePaths: setting(z.array(absolutePath).default([]), {
    meaning:
      "Other folders of the server that the app may write to, as far as their permissions let its user. They are neither made nor removed.",
    allowed: "a list of absolute paths, such as /srv/media, of letters, digits and @ . _ + -",
  }),
};

interface Writable {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly readWritePaths: readonly string[];
  readonly module: string;
  /** Folders that nginx serves, by URL path. */
  readonly static: Readonly<Record<string, string>>;
}

/** Paths that exclude one another, or others. */
export function writableChecks(name: string, app: Writable): Mistake[] {
  return [...keptChecks(name, app), ...staticChecks(name, app), ...readWriteChecks(name, app)];
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

function keptChecks(name: string, { folders, files, module }: Writable): Mistake[] {
  const kept = [
    ...folders.map((value) => ({ path: ["apps", name, "folders"], value })),
    ...files.map((value) => ({ path: ["apps", name, "files"], value })),
  ];
  const place = (module.split(":")[0] ?? "").replaceAll(".", "/");
  return kept.flatMap(({ path, value }, index) => {
    const other = kept.slice(0, index).find((it) => isBelow(value, it.value) || isBelow(it.value, value));
    if (kept.slice(0, index).some((it) => it.value === value)) {
      return [{ path, value, text: "is there twice.", fix: "remove one of the two." }];
    }
    if (other) {
      const text = `is not possible together with "${other.value}", because one is inside the other.`;
      return [{ path, value, text, fix: "remove one of the two." }];
    }
    if ([`${place}.py`, place, `${place}/__init__.py`].includes(value) || isBelow(place, value)) {
      const text = `is where the module of the app is (apps.${name}.module), which no release could change anymore.`;
      return [{ path, value, text, fix: "choose a folder or file that has only data in it." }];
    }
    return [];
  });
}

/** nginx serves copies that are made with a release, and would not see what comes later. */
function staticChecks(name: string, { folders, files, static: served }: Writable): Mistake[] {
  return Object.entries(served).flatMap(([url, value]) => {
    const kept = [...folders, ...files].find((it) => it === value || isBelow(value, it) || isBelow(it, value));
    if (kept === undefined) return [];
    const text = `has "${kept}", which is kept across releases (apps.${name}.folders, files), but nginx serves copies that each release makes.`;
    return [
      { path: ["apps", name, "static", url], value, text, fix: "remove it, and let the app serve what is kept." },
    ];
  });
}

/** Places of the system, of other apps, and those that an app's sandbox hides anyway. */
const closed = [
  ...[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt/apps",
    "/opt/uwsgi",
    "/proc",
    "/root",
  ],
  ...[
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/cache/uwsgi-nginx",
    "/var/lib/uwsgi-nginx",
    "/var/run",
    "/var/tmp",
  ],
];

function readWriteChecks(name: string, { readWritePaths }: Writable): Mistake[] {
  return readWritePaths.flatMap((value) => {
    const place = closed.find((it) => it === value || isBelow(value, it) || isBelow(it, value));
    if (place === undefined) return [];
    const text = `is not allowed, because no app may write to ${place}.`;
    const fix = "choose a folder for the app's data only, such as /srv/APP, or use apps.APP.folders.".replaceAll(
      "APP",
      name,
    );
    return [{ path: ["apps", name, "readWritePaths"], value, text, fix }];
  });
}
