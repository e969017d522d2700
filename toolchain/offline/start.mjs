// Starts an offline plugin: node start.mjs NAME ARGUMENT…, where NAME is that of a file in plugins/, or the path of a
// plugin somewhere else in the checkout.
//
// It runs from one bundle of JavaScript, which is made again when a source changes. The engine starts each plugin twice
// per `up` and waits for it; running the TypeScript itself would take about three times as long.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../../.local/offline-plugins", import.meta.url));

const [plugin = ""] = process.argv.splice(2, 1);
const source = plugin.includes("/")
  ? resolve(plugin)
  : fileURLToPath(new URL(`./plugins/${plugin}.ts`, import.meta.url));
const bundle = join(folder, `${basename(plugin)}.mjs`);
const stampsFile = join(folder, `${basename(plugin)}.sources.json`);
if (!isFresh()) await makeBundle();
await import(pathToFileURL(bundle).href);

function isFresh() {
  try {
    /** @type {Record<string, string>} */
    const stamps = JSON.parse(readFileSync(stampsFile, "utf8"));
    return Object.entries(stamps).every(([path, stamp]) => stampOf(path) === stamp);
  } catch {
    return false;
  }
}

async function makeBundle() {
  const { build } = await import("esbuild");
  const begun = Date.now();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { metafile } = await build({
    entryPoints: [source],
    outfile: `${bundle}.${process.pid}`,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // Packages in CommonJS call `require` for Node's own modules.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    // Not needed for the start, and ssh2 has a native part.
    external: ["ssh2", "bcryptjs"],
    logLevel: "silent",
    metafile: true,
  });
  moveInto(bundle);
  const sources = [fileURLToPath(import.meta.url), ...Object.keys(metafile.inputs).map((path) => resolve(path))];
  // It is not known whether the bundle has a change made meanwhile: the next start then makes it again.
  if (sources.some((path) => statSync(path).mtimeMs >= begun)) return;
  // Written last, so the bundle that it describes is complete.
  writeFileSync(
    `${stampsFile}.${process.pid}`,
    JSON.stringify(Object.fromEntries(sources.map((path) => [path, stampOf(path)]))),
  );
  moveInto(stampsFile);
}

/** Another run may be starting from the file, so it is replaced at once. @param {string} file */
function moveInto(file) {
  renameSync(`${file}.${process.pid}`, file);
}

/** @param {string} path */
function stampOf(path) {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}
