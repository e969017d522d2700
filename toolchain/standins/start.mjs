// Starts a stand-in, by its name: node start.mjs pulumi-resource-command ARGUMENT…
//
// From one file of JavaScript, made anew whenever one of its sources has changed. The engine starts each stand-in twice
// an `up` and waits for it, and this takes half the time of loading two hundred files.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../../.local/standins", import.meta.url));

const [name = ""] = process.argv.splice(2, 1);
const file = join(folder, `${name}.mjs`);
const note = join(folder, `${name}.sources.json`);
if (!isFresh()) await bundle();
await import(pathToFileURL(file).href);

/** The note is written last, so it speaks of a file that is whole. */
function isFresh() {
  try {
    /** @type {Record<string, string>} */
    const sources = JSON.parse(readFileSync(note, "utf8"));
    return Object.entries(sources).every(([source, stamp]) => stampOf(source) === stamp);
  } catch {
    return false;
  }
}

async function bundle() {
  const { build } = await import("esbuild");
  const start = Date.now();
  mkdirSync(folder, { recursive: true });
  // Made beside its place and then moved there, for another run may be starting from it.
  const draft = `${file}.${process.pid}`;
  try {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))],
      outfile: draft,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "esm",
      // CommonJS packages look for Node's own modules at run time.
      banner: {
        js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
      },
      // With a native part, and needed only once there is something to dial.
      external: ["ssh2"],
      logLevel: "silent",
      metafile: true,
    });
    const sources = [fileURLToPath(import.meta.url), ...Object.keys(metafile.inputs).map((path) => resolve(path))];
    renameSync(draft, file);
    // One that changed meanwhile may be in it or not: then the next start makes it again.
    if (sources.some((source) => statSync(source).mtimeMs >= start)) return;
    writeFileSync(draft, JSON.stringify(Object.fromEntries(sources.map((source) => [source, stampOf(source)]))));
    renameSync(draft, note);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @param {string} path */
function stampOf(path) {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}
