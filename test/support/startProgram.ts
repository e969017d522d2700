// What Node runs in place of the SDK's own runner (program.ts): that runner and the program's packages from one file, with
// the code that V8 has compiled before. Loading them is most of what a short run of the engine takes.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { join } from "node:path";
import { constants, Script } from "node:vm";

interface Bundle {
  readonly packages: Readonly<Record<string, () => unknown>>;
  /** Packages that are loaded when they are first used. */
  readonly late: readonly string[];
  readonly run: () => void;
}

function loadBundle(): Bundle {
  const [file, cache] = [join(__dirname, "packages.js"), join(__dirname, "packages.cache")];
  const script = new Script(Module.wrap(readFileSync(file, "utf8")), {
    filename: file,
    cachedData: readCache(cache),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  // At the end, so that it has all functions that a run needs.
  if (script.cachedDataRejected !== false) process.once("exit", () => replace(cache, script.createCachedData()));
  const exported = {} as Bundle;
  const define = script.runInThisContext() as (exports: Bundle, require: NodeJS.Require) => void;
  define(exported, createRequire(file));
  return exported;
}

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // the first run
  }
}

/** Another run may be reading it. */
function replace(file: string, content: Buffer): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}

const loader = Module as unknown as { _load: (name: string, ...more: unknown[]) => unknown };
const load = loader._load.bind(Module);
const { packages, late, run } = loadBundle();
loader._load = (name, ...more) => {
  if (late.includes(name)) return loadLater(() => load(name, ...more));
  if (packages[name]) return packages[name]();
  // A second copy of the SDK would know nothing of the run.
  if (name.startsWith("@pulumi/pulumi/")) throw new Error(`test/support/program.ts must list ${name}`);
  return load(name, ...more);
};
run();

function loadLater(get: () => unknown): object {
  let loaded: Record<string | symbol, unknown> | undefined;
  return new Proxy(
    {},
    { get: (_, key) => key === "__esModule" || (loaded ??= get() as Record<string | symbol, unknown>)[key] },
  );
}
