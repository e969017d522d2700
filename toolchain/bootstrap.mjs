// Starts every npm script: node toolchain/bootstrap.mjs COMMAND, or a TypeScript file, and its arguments.
//
// It is plain JavaScript because it runs before the packages are installed, and installs them. It then bundles the
// TypeScript into one file, which starts in half the time.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const root = dirname(folder);
const local = join(root, ".local");
const [command = "", ...args] = process.argv.slice(2);

/** @param {string} problem @param {string} fix @param {number} [code] @returns {never} */
function exit(problem, fix, code = 1) {
  process.stderr.write(`\n${problem}\nFix: ${fix}\n`);
  process.exit(code);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fitsTests = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24;
  const found = `This is Node ${process.versions.node}. Nothing was changed.`;
  if (major < 20) exit(found, "install Node 20 or newer (https://nodejs.org).");
  if (["check", "test", "proof"].includes(command) && !fitsTests)
    exit(found, "install Node 20.19, 22.13, or 24 or newer (https://nodejs.org), which the tests need.");
  if (process.platform === "win32")
    exit("This project runs on Linux and macOS. Nothing was changed.", "on Windows, use WSL (wsl --install).");
}

/**
 * Closes a folder and all that is in it to other users. Nobody gets through .local, which is closed before anything is in
 * it. But copies of its files keep their modes, and earlier versions left it open.
 * @param {string} path
 */
function closeToOthers(path) {
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return; // what it leads to is not in .local
    if ((stats.mode & 0o077) !== 0) chmodSync(path, stats.mode & 0o700);
    if (stats.isDirectory()) for (const name of readdirSync(path)) closeToOthers(join(path, name));
  } catch (error) {
    // Another command has removed it, or it is another user's.
    if (!["ENOENT", "EPERM", "EACCES"].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? "")) throw error;
  }
}

/** Runs `npm ci`, unless node_modules contains exactly what package-lock.json asks for. */
async function installPackages() {
  const read = (/** @type {string} */ file) => existsSync(file) && JSON.parse(readFileSync(file, "utf8")).packages;
  const wanted = read(join(root, "package-lock.json"));
  // npm writes this file last, so an interrupted installation has none.
  const installed = read(join(root, "node_modules", ".package-lock.json"));
  const names = Object.keys(wanted).filter((name) => name !== "");
  const isInstalled = (/** @type {string} */ name) =>
    installed[name]
      ? installed[name].version === wanted[name].version && installed[name].integrity === wanted[name].integrity
      : wanted[name].optional === true; // for another platform
  if (installed && names.every(isInstalled) && Object.keys(installed).every((name) => name in wanted)) return;

  process.stderr.write("… packages (npm ci)\n");
  const start = performance.now();
  const npm = spawn("npm", ["ci", "--no-progress"], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  npm.stderr.on("data", (data) => (errors += data));
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      interrupted = true;
      setTimeout(() => npm.kill("SIGKILL"), 2000).unref(); // npm itself would continue for half a minute
      npm.kill("SIGTERM");
    });
  const code = await new Promise((resolve) => {
    npm.on("error", (error) => resolve(String(error)));
    npm.on("close", resolve);
  });
  if (interrupted) exit("Interrupted.", "run the same command again to continue.", 130);
  if (code !== 0)
    exit(
      `The command 'npm ci' failed (exit code ${code}).\n${errors.trim().replace(/^/gm, "    ")}`,
      "correct the cause and run the same command again.",
    );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  process.stderr.write(`✔ packages (npm ci)  ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

/** Bundles main.ts and all that it imports. Returns the file, which is made again when a source changes. */
async function bundle() {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (it) => it.isDirectory() && /^(?!node_modules)\w/.test(it.name),
  );
  const sources = folders.flatMap(({ name }) =>
    readdirSync(join(root, name), { recursive: true, encoding: "utf8" }).map((file) => join(name, file)),
  );
  const hash = createHash("sha256");
  for (const name of [...sources.filter((file) => /\.(ts|mjs)$/.test(file)).sort(), "package-lock.json"]) {
    const { mtimeMs, size } = statSync(join(root, name));
    hash.update(`${name} ${mtimeMs} ${size}\n`);
  }
  const bundles = join(local, "toolchain");
  const file = join(bundles, `${hash.digest("hex").slice(0, 16)}.cjs`);
  if (existsSync(file)) return file;
  const { build } = await import("esbuild");
  const draft = `${file}.${process.pid}`; // two commands may do this at once
  await build({
    entryPoints: [join(folder, "main.ts")],
    outfile: draft,
    bundle: true,
    platform: "node",
    target: "node20",
    logLevel: "error",
    plugins: [{ name: "without components", setup: withoutComponents }],
  });
  renameSync(draft, file);
  for (const name of readdirSync(bundles))
    if (!name.startsWith(basename(file))) rmSync(join(bundles, name), { force: true });
  return file;
}

/** The components in servers/, and a cloud's SDK with them, are loaded by the program only. */
function withoutComponents(/** @type {import("esbuild").PluginBuild} */ { onResolve }) {
  onResolve({ filter: /^\.\/server$/ }, ({ importer, path }) =>
    importer.startsWith(join(root, "servers")) ? { path, external: true } : undefined,
  );
}

checkNode();
// It has the state, the passphrase, keys and apps' code.
mkdirSync(local, { recursive: true, mode: 0o700 });
closeToOthers(realpathSync(local));
// The engine and other programs write to it with modes of their own.
process.on("exit", () => {
  if (existsSync(local)) closeToOthers(realpathSync(local));
});
await installPackages();
if (command.endsWith(".ts")) {
  process.argv = [process.execPath, join(root, command), ...args];
  const { register } = await import("tsx/cjs/api");
  register();
  createRequire(import.meta.url)(join(root, command));
} else {
  const { main } = createRequire(import.meta.url)(await bundle());
  await main(root, process.argv.slice(2));
}
