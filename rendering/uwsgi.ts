import type { Platform, Python } from "../platforms";
import { withHashes } from "../platforms/pythonPackages";
import { sourceVersion, type UwsgiSettings } from "../settings/uwsgi";
import { pythonParameters } from "./downloads";

/** How a server gets uWSGI for one of its Pythons. */
export interface Uwsgi {
  /** Where it comes from and its version: releases and environments of another one have other names. */
  id: string;
  /** What pip installs, from a folder on the server. Empty for the distribution's. */
  requirement: string;
  folder: string;
  /** The distribution's executable and its plugin for the Python. Empty for all others. */
  executable: string;
  plugin: string;
  /** System packages. */
  packages: readonly string[];
}

export function uwsgiFor({ from, version }: UwsgiSettings, platform: Platform, python: string): Uwsgi {
  const { plugin, pyuwsgi } = pythonOf(platform, python);
  if (from === "distribution") {
    const { packages, executable } = platform.uwsgi;
    return {
      ...{ id: `${from} ${version ?? ""}`.trim(), requirement: "", folder: "", executable, plugin: plugin.name },
      packages: [...packages, plugin.package],
    };
  }
  const [name, known, packages] =
    from === "wheel" ? ["pyuwsgi", pyuwsgi, []] : ["uwsgi", sourceVersion, compilerFor(platform, python)];
  const wanted = version ?? known;
  return {
    id: `${from} ${wanted}`,
    requirement: `${name}==${wanted}`,
    folder: `/opt/uwsgi/${from}-${wanted}-python${python}`,
    ...{ executable: "", plugin: "", packages },
  };
}

/** Packages that compile an extension of a Python. */
export function compilerFor(platform: Platform, python: string): readonly string[] {
  return [...platform.packages.compiler, ...pythonOf(platform, python).headers];
}

export function pythonOf(platform: Platform, name: string): Python {
  const python = platform.pythons[name];
  if (!python) throw new Error(`${platform.title} has no Python ${name}`);
  return python;
}

/** A line for uwsgi.sh: a Python and the uWSGI for it. */
export function pythonLine(platform: Platform, name: string, { folder, requirement }: Uwsgi): string {
  const described = pythonOf(platform, name);
  const { python, isolation, virtualenv, tools, seed } = pythonParameters(name, described);
  const compileTools = described.compileTools.map(withHashes).join(" ");
  return `${[name, folder, seed, withHashes(requirement), python, isolation, virtualenv, tools, compileTools].join("|")}\n`;
}
