import * as path from "node:path";
import { parse } from "smol-toml";
import { codeText, type CodeFiles } from "./codeFiles";
import { poetryExport, uvExport } from "./lockFiles";

/** What a project needs, as requirements for pip; empty if there is nothing to install. */
interface ProjectRequirements {
  text: string;
  problem?: { text: string; fix: string };
}

type Table = Readonly<Record<string, unknown>>;

const nothing = { text: "" };

/**
 * The requirements of a pyproject.toml or setup.py: the package that it makes, or, if it makes none, its dependencies.
 * @param folder its folder, relative to the source
 */
export function projectRequirements(code: CodeFiles, folder: string, extras: readonly string[]): ProjectRequirements {
  const file = path.posix.join(folder, "pyproject.toml");
  const has = (name: string) => code.names.includes(path.posix.join(folder, name));
  const isLegacy = has("setup.py") || has("setup.cfg");
  if (!code.names.includes(file)) return isLegacy ? packageOf(folder, extras) : nothing;
  let values: Table;
  try {
    values = parse(codeText(code, file));
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    return wrong(`${file} cannot be read: ${reason.replace(/\.$/, "")}.`, "correct the file.");
  }
  const tool = tableOf(values.tool);
  const uv = tableOf(tool.uv);
  const poetry = tableOf(tool.poetry);
  const project = "project" in values ? tableOf(values.project) : undefined;
  const isPackage =
    uv.package !== false &&
    poetry["package-mode"] !== false &&
    ("build-system" in values || isLegacy || "setuptools" in tool || uv.package === true);
  if (project === undefined) {
    if ("poetry" in tool && !isPackage) {
      return wrong(
        `${file} is Poetry's and makes no package, so pip cannot read it.`,
        `run this in the app's source, then deploy again: ${poetryExport}`,
      );
    }
    const isKnown = isLegacy || "poetry" in tool || "flit" in tool;
    return isKnown && isPackage ? withExtras(file, folder, namesOf(poetry.extras), extras, "poetry" in tool) : nothing;
  }
  const dependencies = stringsOf(project.dependencies);
  const optional = new Map(
    Object.entries(tableOf(project["optional-dependencies"])).map(([k, v]) => [normal(k), stringsOf(v)]),
  );
  const isDynamic = stringsOf(project.dynamic).includes("optional-dependencies");
  const expanded = expand(
    typeof project.name === "string" ? project.name : "",
    dependencies,
    optional,
    extras.map(normal),
  );
  const sources = new Set(Object.keys(tableOf(uv.sources)).map(normal));
  const [fromSource] = expanded.requirements.filter((it) => sources.has(nameOf(it)));
  if (fromSource !== undefined) {
    return wrong(
      `${file} takes ${nameOf(fromSource)} from a place that only uv knows (tool.uv.sources).`,
      `run this in the app's source, then deploy again: ${uvExport}`,
    );
  }
  if (isPackage) return withExtras(file, folder, [...optional.keys()], [...expanded.extras], !isDynamic);
  const unknown = unknownExtras(file, [...optional.keys()], extras);
  if (unknown) return unknown;
  return { text: expanded.requirements.map((it) => `${it}\n`).join("") };
}

function wrong(text: string, fix: string): ProjectRequirements {
  return { text: "", problem: { text, fix } };
}

function packageOf(folder: string, extras: readonly string[]): ProjectRequirements {
  const place = folder === "." ? "." : `./${folder}`;
  return { text: `${place}${extras.length > 0 ? `[${extras.join(",")}]` : ""}\n` };
}

function withExtras(
  file: string,
  folder: string,
  known: readonly string[],
  extras: readonly string[],
  areKnown: boolean,
): ProjectRequirements {
  return (areKnown ? unknownExtras(file, known, extras) : undefined) ?? packageOf(folder, extras);
}

function unknownExtras(file: string, known: readonly string[], extras: readonly string[]) {
  const all = known.map(normal);
  const unknown = extras.filter((extra) => !all.includes(normal(extra)));
  if (unknown.length === 0) return undefined;
  const there = known.length === 0 ? "It has none" : `It has ${known.join(", ")}`;
  return wrong(`${file} has no extra ${unknown.join(", ")}. ${there}.`, "correct the setting extras, or the file.");
}

/** Replaces what names the project itself (`all = ["shop[db]"]`) with what that stands for: an index may have another one. */
function expand(
  name: string,
  dependencies: readonly string[],
  optional: ReadonlyMap<string, readonly string[]>,
  extras: readonly string[],
) {
  const requirements: string[] = [];
  const seen = new Set<string>();
  const add = (all: readonly string[], marker: string): void => {
    for (const requirement of all) {
      const [text, own] = divided(requirement);
      const both = [marker, own].filter(Boolean);
      const joined = both.length > 1 ? both.map((it) => `(${it})`).join(" and ") : (both[0] ?? "");
      if (name !== "" && nameOf(text) === normal(name)) {
        const inner = /\[([^\]]*)\]/.exec(text)?.[1] ?? "";
        addExtras(inner.split(",").map(normal).filter(Boolean), joined);
      } else requirements.push(joined === "" ? text : `${text} ; ${joined}`);
    }
  };
  const addExtras = (names: readonly string[], marker: string): void => {
    for (const extra of names) {
      const key = `${extra};${marker}`;
      if (seen.has(key)) continue;
      seen.add(key);
      add(optional.get(extra) ?? [], marker);
    }
  };
  add(dependencies, "");
  addExtras(extras, "");
  const names = [...extras, ...[...seen].filter((key) => key.endsWith(";")).map((key) => key.slice(0, -1))];
  return { requirements: [...new Set(requirements)], extras: new Set(names) };
}

/** A requirement and its environment marker. A URL may have a semicolon of its own. */
function divided(requirement: string): readonly [text: string, marker: string] {
  const at = requirement.search(requirement.split(";")[0]?.includes("@") === true ? /\s;/ : /;/);
  if (at < 0) return [requirement.trim(), ""];
  return [requirement.slice(0, at).trim(), requirement.slice(at).replace(/^\s*;/, "").trim()];
}

const nameOf = (requirement: string) => normal(/^[\w.-]+/.exec(requirement.trim())?.[0] ?? "");
/** PEP 503. */
const normal = (name: string) =>
  name
    .trim()
    .toLowerCase()
    .replace(/[-_.]+/g, "-");
const namesOf = (value: unknown) => Object.keys(tableOf(value));

function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((it) => typeof it === "string") : [];
}
