import * as fs from "node:fs";
import * as path from "node:path";
import { cachedArchive } from "./archives";
import { assetFiles } from "./assets";
import { manifestText, type Manifest } from "./manifest";
import { sha256 } from "./sha256";
import { gzipped, tarArchive } from "./tarArchive";

/** The scripts in `assets/toolkit`, as a server gets them. */
export interface Toolkit {
  /** Version of this project, and a hash of the files. */
  version: string;
  /** SHA-256 of the archive. */
  hash: string;
  /** Path of the .tar.gz on your computer. */
  archive: string;
}

interface File {
  name: string;
  text: string;
}

/** @param cache folder for the archive */
export function packToolkit(cache: string): Toolkit {
  const scripts = assetFiles("toolkit");
  const version = `${projectVersion()}-${sha256(JSON.stringify(scripts)).slice(0, 8)}`;
  const archive = pack([...scripts, { name: "version", text: `${version}\n` }], cache);
  return { version, hash: sha256(fs.readFileSync(archive)), archive };
}

/**
 * The verb `server` with its manifest, as stdin of unpack-and-run.sh: it runs before the toolkit is on the server.
 * @param cache folder for the archive
 */
export function serverStep(manifest: Manifest, cache: string): string {
  const scripts = assetFiles("toolkit");
  const parts = ["run", "launch", "keep-secrets", ...partsOf("common", scripts), ...partsOf("server", scripts)];
  const needed = new Set([...parts.map((name) => `${name}.sh`), manifest.package_script]);
  const files = [
    // It is part of the stack's state, twice.
    ...scripts.filter(({ name }) => needed.has(name)).map(({ name, text }) => ({ name, text: withoutComments(text) })),
    { name: "manifest", text: manifestText(manifest) },
  ];
  const archive = fs.readFileSync(pack(files, cache));
  return `${sha256(archive)} ${archive.toString("base64")}\n`;
}

/** A list in run.sh. */
function partsOf(list: string, scripts: readonly File[]): string[] {
  const run = scripts.find(({ name }) => name === "run.sh")?.text ?? "";
  const [, names] = new RegExp(`^${list}_parts='(.+)'$`, "m").exec(run) ?? [];
  if (names === undefined) throw new Error(`run.sh has no ${list}_parts`);
  return names.split(" ");
}

/** Returns the path of the archive. */
function pack(files: readonly File[], cache: string): string {
  return cachedArchive(cache, `toolkit-${sha256(JSON.stringify(files)).slice(0, 32)}`, (write) => {
    write(gzipped(tarArchive(files.map((it) => ({ ...it, mode: 0o644 })))));
  });
}

function withoutComments(script: string): string {
  return script.replace(/^\s*#(?!!).*\n/gm, "");
}

function projectVersion(): string {
  const file = path.join(__dirname, "..", "package.json");
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}
