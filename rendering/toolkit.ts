import * as fs from "node:fs";
import * as path from "node:path";
import { asset, assetFiles } from "./assets";
import { manifestText, type Manifest } from "./manifest";
import { sha256 } from "./sha256";
import { gzipped, tarArchive } from "./tarArchive";

/** The scripts in `assets/toolkit`, as a server gets them. */
export interface Toolkit {
  /** Version of this project, and a hash of the files. */
  version: string;
  /** SHA-256 of the archive. */
  hash: string;
  /** A .tar.gz. */
  archive: Uint8Array;
}

interface File {
  name: string;
  text: string;
}

let packed: Toolkit | undefined;

export function toolkit(): Toolkit {
  return (packed ??= packToolkit());
}

function packToolkit(): Toolkit {
  const scripts = assetFiles("toolkit");
  const version = `${projectVersion()}-${sha256(JSON.stringify(scripts)).slice(0, 8)}`;
  const archive = pack([...scripts, { name: "version", text: `${version}\n` }]);
  return { version, hash: sha256(archive), archive };
}

/** The verb `server` with its manifest, as stdin of unpack-and-run.sh: it runs before the toolkit is on the server. */
export function serverStep(manifest: Manifest): string {
  const parts = ["run", "launch", ...partsOf("common"), ...partsOf("server")].map((name) => `${name}.sh`);
  const needed = new Set([...parts, manifest.package_script]);
  const scripts = assetFiles("toolkit").filter(({ name }) => needed.has(name));
  const archive = pack([
    // It is part of the stack's state, twice.
    ...scripts.map(({ name, text }) => ({ name, text: withoutComments(text) })),
    { name: "manifest", text: manifestText(manifest) },
  ]);
  return `${sha256(archive)} ${Buffer.from(archive).toString("base64")}\n`;
}

/** A list in run.sh. */
function partsOf(list: string): string[] {
  const [, names] = new RegExp(`^${list}_parts='(.+)'$`, "m").exec(asset("toolkit/run.sh")) ?? [];
  if (names === undefined) throw new Error(`run.sh has no ${list}_parts`);
  return names.split(" ");
}

function pack(files: readonly File[]): Uint8Array {
  return gzipped(tarArchive(files.map((file) => ({ ...file, mode: 0o644 }))));
}

function withoutComments(script: string): string {
  return script.replace(/^\s*#(?!!).*\n/gm, "");
}

function projectVersion(): string {
  const file = path.join(__dirname, "..", "package.json");
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}

/** Writes the archive to a file in a folder of archives, and returns its path. */
export function toolkitFile(folder: string): string {
  const { archive, hash } = toolkit();
  const file = path.join(folder, `toolkit-${hash.slice(0, 12)}.tar.gz`);
  if (!fs.existsSync(file)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${file}.${process.pid}`, archive);
    fs.renameSync(`${file}.${process.pid}`, file);
  }
  const now = new Date();
  fs.utimesSync(file, now, now);
  return file;
}
