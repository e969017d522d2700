import * as fs from "node:fs";
import * as path from "node:path";
import type { AppSettings } from "./apps";
import { isReadableFile } from "./files";
import { forApp, type Mistake } from "./mistake";
import { installedFiles } from "./requirements";
import { lines, megabyte, type Source, type Sources } from "./source";
import { BadArchive } from "./sourceArchive";
import { isWithin } from "./sourceTree";

/**
 * What keeps an app's code from being packed.
 * @param project folder that `source` is relative to
 */
export function sourceChecks(name: string, app: AppSettings, project: string, sources: Sources): Mistake[] {
  try {
    return checksOf(name, app, project, sources);
  } catch (error) {
    const at = { path: ["apps", name, "source"], value: app.source };
    if (error instanceof BadArchive) return [{ ...at, text: error.message, fix: forApp(name, error.fix) }];
    // What the system, or Node for it, says about a path.
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const fix = "set it to a folder or archive that you may read, relative to the project.";
    return [{ ...at, text: `cannot be read: ${code}.`, fix }];
  }
}

function checksOf(name: string, app: AppSettings, project: string, sources: Sources): Mistake[] {
  const at = { path: ["apps", name, "source"], value: app.source };
  const place = path.resolve(project, app.source);
  const stats = fs.statSync(place, { throwIfNoEntry: false });
  if (stats === undefined) {
    const fix = "set it to the folder or archive with the app's code, relative to the project.";
    return [{ ...at, text: "does not exist.", fix }];
  }
  if (stats.isDirectory() && holdsProject(fs.realpathSync.native(place), fs.realpathSync.native(project))) {
    const text = "contains this project or its secrets (.local), and all of it would be uploaded.";
    return [{ ...at, text, fix: "move the app's code to a folder of its own, and set it to that." }];
  }
  if (!stats.isFile() && !stats.isDirectory()) throw new BadArchive("is neither a folder nor a file.");
  const source = sources.of(app);
  const tooLarge = sizeChecks(name, app, source);
  // Now that it is small enough: is it whole?
  if (stats.isFile() && tooLarge.length === 0) for (const file of source.files) source.tree.read(file.place);
  return [
    ...(app.requirements === undefined ? [] : requirementsFileChecks(name, app.requirements, app, place, source)),
    ...tooLarge,
    ...contentChecks(name, at, source),
    ...moduleChecks(name, app, source),
  ];
}

function holdsProject(root: string, project: string): boolean {
  const local = path.join(project, ".local");
  return isWithin(root, project) || (fs.existsSync(local) && isWithin(fs.realpathSync.native(local), root));
}

function requirementsFileChecks(
  name: string,
  requirements: string,
  { source }: AppSettings,
  place: string,
  { files }: Source,
): Mistake[] {
  const at = { path: ["apps", name, "requirements"], value: requirements };
  const file = path.resolve(place, requirements);
  if (files.some((it) => it.name === path.relative(place, file))) return [];
  if (!isReadableFile(file)) {
    const fix = `create the file, or set it to the path of one in ${source}.`;
    return [{ ...at, text: `is not a file in ${source}.`, fix }];
  }
  if (isWithin(fs.realpathSync.native(place), fs.realpathSync.native(file))) {
    const fix = `remove the rule in .gitignore, .dockerignore or apps.${name}.exclude, or set it to another file.`;
    return [{ ...at, text: `is left out of what is packed of ${source}.`, fix }];
  }
  const fix = `move the file into ${source}, and set it to its path there.`;
  return [{ ...at, text: `leads out of ${source}.`, fix }];
}

function contentChecks(name: string, at: Pick<Mistake, "path" | "value">, source: Source): Mistake[] {
  const { problems, files } = source;
  if (problems.length > 0) {
    const fix = `remove these, put files in place of links, make the others readable, or add them to apps.${name}.exclude.`;
    return [{ ...at, text: `contains what cannot be packed.\n${lines(problems)}`, fix }];
  }
  if (files.length > 0) return [];
  const fix = "put the app's code there, or set it to where the code is.";
  return [{ ...at, text: "has no files, except for what is always left out.", fix }];
}

function sizeChecks(name: string, { source, maxSourceSize }: AppSettings, { files }: Source): Mistake[] {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total <= maxSourceSize * megabyte) return [];
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 5);
  const shown = (size: number) => `${(size / megabyte).toFixed(1)} MB`;
  const list = lines(largest.map((it) => `${JSON.stringify(it.name)} (${shown(it.size)})`));
  return [
    {
      ...{ path: ["apps", name, "source"], value: source },
      text: `has ${shown(total)} of files, and apps.${name}.maxSourceSize allows ${maxSourceSize} MB. The largest are these.\n${list}`,
      fix: `add what the app does not need to apps.${name}.exclude, or set apps.${name}.maxSourceSize to more.`,
    },
  ];
}

function moduleChecks(name: string, app: AppSettings, { files, problems, leftOut }: Source): Mistake[] {
  const { source, module, requirements, environment, secrets } = app;
  const names = files.map((file) => file.name);
  if (problems.length > 0 || files.length === 0) return [];
  // What is installed, or ought to be, may have the module.
  const ignored = leftOut.filter(({ by }) => by !== "exclude");
  const mayInstall = [...names, ...ignored.map((it) => it.name)].some((it) => installedFiles.includes(it));
  if (requirements !== undefined || mayInstall) return [];
  if ([environment, secrets].some((it) => Object.hasOwn(it, "PYTHONPATH"))) return [];
  const [dotted = ""] = module.split(":");
  const place = dotted.replaceAll(".", "/");
  const wanted = [`${place}.py`, `${place}/__init__.py`];
  // A compiled one has a suffix that says for which Python.
  const isThere = (it: string) => wanted.includes(it) || (it.startsWith(`${place}.`) && it.endsWith(".so"));
  if (names.some(isThere)) return [];
  const at = { path: ["apps", name, "module"], value: module };
  const why = ignored.find((it) => it.isPython && wanted.some((file) => file === it.name || file.startsWith(it.name)));
  if (why !== undefined) {
    const text = `is not in ${source}, because ${why.by} leaves out ${why.name}.`;
    return [{ ...at, text, fix: `add "!${why.name}" to apps.${name}.exclude.` }];
  }
  if (wanted.some((it) => names.includes(`src/${it}`))) {
    const text = `is in the folder src of ${source}, where Python does not look for modules.`;
    // Relative to where the app starts, so that a trial imports from the release that it tries.
    return [{ ...at, text, fix: `set apps.${name}.environment.PYTHONPATH to src.` }];
  }
  const text = `is not in ${source}, which has neither ${place}.py nor ${place}/__init__.py.`;
  return [{ ...at, text, fix: `set it to a module in ${source}, or set apps.${name}.source to where the module is.` }];
}
