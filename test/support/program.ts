// The product's program in a project folder, ready to run. Most of what a short engine run takes is loading the SDK and
// compiling the program, so both are compiled once here. The tests of the npm scripts run the program as users do.
import { buildSync, type BuildOptions } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./engine";

/** What is the checkout's own business: a test has its own. */
const notLinked = /^(\.git|\.local|Pulumi\..+\.yaml)$/;
const node: BuildOptions = {
  platform: "node",
  target: "node20",
  format: "cjs",
  logLevel: "error",
  absWorkingDir: root,
};

/** Gives a folder the checkout's files, as links. */
export async function linkProgram(folder: string): Promise<Record<string, string>> {
  await linkAll(folder, []);
  return {};
}

/**
 * The same with the program as JavaScript, file by file, so that it finds its assets.
 * @returns variables that make the engine start it with the compiled SDK
 */
export async function compileProgram(folder: string): Promise<Record<string, string>> {
  const { metafile } = buildSync({
    ...{ ...node, bundle: true, packages: "external", write: false, metafile: true },
    entryPoints: ["index.ts"],
  });
  const sources = Object.keys(metafile.inputs);
  buildSync({ ...node, entryPoints: sources, outdir: folder, outbase: root });
  const changed: Record<string, [string, string]> = {
    "Pulumi.yaml": ["typescript: true", "typescript: false"],
    "package.json": ['"main": "index.ts"', '"main": "index.js"'],
  };
  await linkAll(folder, [...sources.map((file) => file.split("/")[0] ?? ""), ...Object.keys(changed)]);
  for (const [file, [from, to]] of Object.entries(changed)) {
    const text = (await readFile(join(root, file), "utf8")).replace("main: index.ts", "main: index.js");
    await writeFile(join(folder, file), text.replace(from, to));
  }
  return { PULUMI_LANGUAGE_NODEJS_RUN_PATH: runner() };
}

async function linkAll(folder: string, except: readonly string[]): Promise<void> {
  for (const name of await readdir(root)) {
    if (!notLinked.test(name) && !except.includes(name)) await symlink(join(root, name), join(folder, name));
  }
}

/** Packages that are loaded at every run, in the order they are looked for. */
const packages = [
  ...["@pulumi/pulumi", "@pulumi/pulumi/runtime", "@pulumi/pulumi/runtime/config", "@pulumi/command", "@pulumi/random"],
  ...["fastest-levenshtein", "ipaddr.js", "nunjucks", "tar", "zod"],
];
/** The SDK loads these at every start, and uses them only for programs in TypeScript and for functions that it serialises. */
const late = ["typescript", "@npmcli/arborist"];

/** The SDK's runner and the program's packages in one file, which load in half the time. Made once. */
function runner(): string {
  const text = `
    const Module = require("node:module");
    const load = Module._load;
    const packages = { ${packages.map((name) => `"${name}": () => require("${name}")`).join(", ")} };
    const late = (name, parent) => {
      let loaded;
      const get = (_, key) => key === "__esModule" || (loaded ??= load.call(Module, name, parent, false))[key];
      return new Proxy({}, { get });
    };
    Module._load = function (name, parent, isMain) {
      if (${JSON.stringify(late)}.includes(name)) return late(name, parent);
      if (packages[name]) return packages[name]();
      // A second copy of the SDK would know nothing of the run.
      if (name.startsWith("@pulumi/pulumi/")) throw new Error("test/support/program.ts must list " + name);
      return load.call(this, name, parent, isMain);
    };
    require("@pulumi/pulumi/cmd/run");
  `;
  const hash = createHash("sha256").update(text);
  hash.update(readFileSync(join(root, "package-lock.json")));
  const file = join(root, ".local/test-program", `runner-${hash.digest("hex").slice(0, 12)}.js`);
  if (existsSync(file)) return file;
  mkdirSync(join(root, ".local/test-program"), { recursive: true });
  const draft = `${file}.${process.pid}`;
  buildSync({
    ...{ ...node, bundle: true, external: [...late, "source-map-support/register"], outfile: draft },
    stdin: { contents: text, resolveDir: root },
  });
  renameSync(draft, file);
  return file;
}
