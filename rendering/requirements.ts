import type { Platform } from "../platforms";
import { codeText } from "../settings/codeFiles";
import type { PipSettings } from "../settings/pip";
import { installation, type RequirementsSettings } from "../settings/requirements";
import type { AppSource } from "./appSource";
import { pairList } from "./downloads";
import { sha256 } from "./sha256";
import { compilerFor, pythonOf } from "./uwsgi";

/** What pip installs for an app. */
export interface Requirements {
  /** The requirements file in the app's code; empty if `text` takes its place. */
  file: string;
  text: string;
  /** The same packages are installed for the same id. */
  id: string;
  /** What a preview compares. */
  shown: Readonly<Record<string, string>>;
}

export function planRequirements(
  { code, hash }: Pick<AppSource, "code" | "hash">,
  settings: RequirementsSettings & { pip: PipSettings },
): Requirements {
  const { file, text, named, packages, needsCode } = installation(code, settings);
  const main = file === "" ? text : codeText(code, file);
  const more = {
    ...Object.fromEntries(named.map((name) => [`./${name}`, codeText(code, name)])),
    ...Object.fromEntries(packages.map((name) => [`./${name}`, `SHA-256 ${sha256(code.bytes(name))}`])),
    ...withoutEmpty({ "package indexes": indexVariables(settings.pip) }),
  };
  const parts = [main, more, needsCode ? hash : ""];
  const isAlone = Object.keys(more).length === 0 && !needsCode;
  return { file, text, id: isAlone ? main : JSON.stringify(parts), shown: { "requirements.txt": main, ...more } };
}

function withoutEmpty(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

/** Variables of pip for the app's own indexes, a line each. Secrets are placeholders in them. */
export function indexVariables({ index, extraIndexes }: Omit<PipSettings, "secrets">): string {
  return [
    ...(index === undefined ? [] : [`PIP_INDEX_URL=${index}\n`]),
    ...(extraIndexes.length === 0 ? [] : [`PIP_EXTRA_INDEX_URL=${extraIndexes.join(" ")}\n`]),
  ].join("");
}

/** For pip.sh: NEED=PACKAGE,PACKAGE words. */
export function pipPackages(platform: Platform, python: string): string {
  const needs = {
    ...platform.packages.forPip,
    python: pythonOf(platform, python).headers,
    cc: compilerFor(platform, python),
  };
  return pairList(Object.fromEntries(Object.entries(needs).map(([need, names]) => [need, names.join(",")])));
}

/** Newer Pythons that the platform has, by the values of the setting. */
export function newerPythons(platform: Platform, python: string): string[] {
  const { executable } = pythonOf(platform, python);
  const versionOf = (name: string) => name.split(".").map(Number);
  const [major = 0, minor = 99] = versionOf(python);
  return Object.entries(platform.pythons)
    .filter(([name, other]) => {
      const [itsMajor = 0, itsMinor = 99] = versionOf(name);
      return other.executable !== executable && (itsMajor > major || (itsMajor === major && itsMinor > minor));
    })
    .map(([name]) => name);
}
