import * as path from "node:path";
import type { CodeFiles } from "./codeFiles";

export const poetryExport = "poetry export -o requirements.txt";
export const uvExport = "uv export --format requirements.txt --no-dev --output-file requirements.txt";

/** Commands that write the content of a lock file as a requirements file. */
const exportCommands = new Map([
  ["uv.lock", uvExport],
  ["poetry.lock", poetryExport],
  ["Pipfile.lock", "pipenv requirements > requirements.txt"],
  ["Pipfile", "pipenv requirements > requirements.txt"],
  ["pdm.lock", "pdm export -o requirements.txt --prod"],
]);

/**
 * What is wrong if a lock file is all that says what an app needs.
 * @param given the setting `requirements`
 */
export function lockProblem(code: CodeFiles, given: string | undefined) {
  const name = given ?? [...exportCommands.keys()].find((it) => code.names.includes(it));
  const command = exportCommands.get(path.posix.basename(name ?? ""));
  if (name === undefined || command === undefined) return undefined;
  return {
    text: `${name} says what the app needs, but pip cannot read it.`,
    fix: `run this in the app's source, then deploy again: ${command}`,
  };
}
