// The product's program in a project folder, ready to run. Most of what a short engine run takes is loading the SDK and
// compiling the program, so both are compiled once here. The tests of the npm scripts run the program as users do.
import { build, type BuildOptions, type Plugin, transformSync } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./root";

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
 * The same with the program as one file of JavaScript.
 * @returns variables that make the engine start it with the compiled SDK
 */
export async function compileProgram(folder: string): Promise<Record<string, string>> {
  await build({
    ...{ ...node, bundle: true, packages: "external", entryPoints: ["index.ts"], outfile: join(folder, "index.js") },
    // The sources that look for the assets are in folders of the project.
    define: { __dirname: "sourceFolder" },
    banner: { js: 'const sourceFolder = require("node:path").join(__dirname, "rendering");' },
  });
  const changed: Record<string, [string, string]> = {
    "Pulumi.yaml": ["typescript: true", "typescript: false"],
    "package.json": ['"main": "index.ts"', '"main": "index.js"'],
  };
  await linkAll(folder, Object.keys(changed));
  for (const [file, [from, to]] of Object.entries(changed)) {
    const text = (await readFile(join(root, file), "utf8")).replace("main: index.ts", "main: index.js");
    await writeFile(join(folder, file), text.replace(from, to));
  }
  return compiledRuntime();
}

async function linkAll(folder: string, except: readonly string[]): Promise<void> {
  for (const name of await readdir(root)) {
    if (!notLinked.test(name) && !except.includes(name)) await symlink(join(root, name), join(folder, name));
  }
}

/** The text of a program in TypeScript as JavaScript. */
export function compileText(program: string): string {
  return transformSync(program, { loader: "ts", format: "cjs", target: "node20" }).code;
}

/** Variables that make the engine start a program in JavaScript with the compiled SDK. */
export async function compiledRuntime(): Promise<Record<string, string>> {
  return { PULUMI_LANGUAGE_NODEJS_RUN_PATH: await compileSdk() };
}

const startFile = join(__dirname, "startProgram.ts");

/** The SDK loads these at every start, and uses them only for programs in TypeScript and for functions that it serialises. */
const late = ["typescript", "@npmcli/arborist"];

/** Packages that are loaded at every run, in the order they are looked for. */
const packages = [
  ...[
    "@pulumi/pulumi",
    "@pulumi/pulumi/runtime",
    "@pulumi/pulumi/runtime/config",
    "@pulumi/pulumi/runtime/debuggable",
    "@pulumi/command",
    "@pulumi/random",
  ],
  ...["adm-zip", "fastest-levenshtein", "fflate", "ignore", "ipaddr.js", "js-yaml", "nunjucks", "tar", "zod"],
];

/** What the SDK does for the sake of other programs costs a second at every start. */
const withoutExtras: Plugin = {
  name: "without-extras",
  setup(build) {
    const replace = (filter: RegExp, contents: string) => {
      build.onLoad({ filter }, () => ({ contents }));
    };
    // V8's debugger, for functions that are serialised: this program has none.
    replace(/\/runtime\/closure\/v8Hooks\.js$/, "exports.isInitializedAsync = () => Promise.resolve();");
    // Looks for source maps whenever an output is made: these programs have none.
    replace(/\/source-map-support\/register\.js$/, "");
  },
};

/** Made once: a folder with the packages in one file, and startProgram.ts, which loads it. */
async function compileSdk(): Promise<string> {
  const list = packages.map((name) => `"${name}": () => require("${name}")`);
  const text = `exports.packages = { ${list.join(", ")} }; exports.late = ${JSON.stringify(late)}; exports.run = () => require("@pulumi/pulumi/cmd/run");`;
  const hash = createHash("sha256").update(text);
  for (const file of [__filename, startFile, join(root, "package-lock.json")]) hash.update(readFileSync(file));
  const parent = join(root, ".local/test-program");
  const folder = join(parent, hash.digest("hex").slice(0, 12));
  const start = join(folder, "start.js");
  if (existsSync(start)) return start;
  mkdirSync(parent, { recursive: true });
  const draft = mkdtempSync(join(parent, "draft-"));
  await build({
    ...{
      ...node,
      bundle: true,
      minifyWhitespace: true,
      plugins: [withoutExtras],
      external: late,
    },
    ...{ stdin: { contents: text, resolveDir: root }, outfile: join(draft, "packages.js") },
  });
  await build({ ...node, entryPoints: [startFile], outfile: join(draft, "start.js") });
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(start)) throw error; // another run has not made it meanwhile
  }
  return start;
}
