import * as fs from "node:fs";
import * as path from "node:path";
import type { AppSettings } from "./apps";
import { isFolder, isReadableFile } from "./files";
import type { Mistake } from "./mistake";
import { belongsTo, isWithin, sourceFiles } from "./sourceFiles";

/**
 * What keeps an app's code from being packed.
 * @param project folder that `source` is relative to
 */
export function sourceChecks(name: string, { source, requirements }: AppSettings, project: string): Mistake[] {
  const at = { path: ["apps", name, "source"], value: source };
  const folder = path.resolve(project, source);
  if (!isFolder(folder)) {
    const fix = "set it to the folder with the app's code, relative to the project.";
    return [{ ...at, text: "is not a folder.", fix }];
  }
  const root = fs.realpathSync.native(folder);
  if (holdsProject(root, fs.realpathSync.native(project))) {
    const text = "contains this project or its secrets (.local), and all of it would be uploaded.";
    return [{ ...at, text, fix: "move the app's code to a folder of its own, and set it to that." }];
  }
  return [
    ...(requirements === undefined ? [] : requirementsChecks(name, { source, requirements }, root)),
    ...contentChecks(at, root),
  ];
}

function holdsProject(root: string, project: string): boolean {
  const local = path.join(project, ".local");
  return isWithin(root, project) || (fs.existsSync(local) && isWithin(fs.realpathSync.native(local), root));
}

function requirementsChecks(
  name: string,
  { source, requirements }: { source: string; requirements: string },
  root: string,
): Mistake[] {
  const at = { path: ["apps", name, "requirements"], value: requirements };
  const file = path.resolve(root, requirements);
  if (!isReadableFile(file)) {
    const fix = `create the file, or set it to the path of one in ${source}.`;
    return [{ ...at, text: `is not a file in ${source}.`, fix }];
  }
  if (belongsTo(root, fs.realpathSync.native(file))) return [];
  const fix = `move the file into ${source}, and set it to its path there.`;
  return [{ ...at, text: `leads out of ${source}.`, fix }];
}

const mostNamed = 20;

function contentChecks(at: Pick<Mistake, "path" | "value">, root: string): Mistake[] {
  const { problems } = sourceFiles(root);
  if (problems.length === 0) return [];
  const rest = problems.length - mostNamed;
  const named = [...problems.slice(0, mostNamed), ...(rest > 0 ? [`and ${rest} more`] : [])].join(", ");
  const fix = "remove these, put files in place of links, and make the others readable.";
  return [{ ...at, text: `contains what cannot be packed: ${named}.`, fix }];
}
