import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The first engine with `stack rm --remove-backups`, without which `destroy` would leave files behind. */
export const oldestEngine = "3.188.0";

/** The exact version of an npm package: plugins have the version of their package, a downloaded engine that of its SDK. */
export function pinnedVersion(root: string, name: string): string {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  const version = manifest.dependencies?.[name];
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`package.json must pin ${name} to an exact version, but has ${JSON.stringify(version)}`);
  }
  return version;
}

/** The Go module that the engine is built from. */
export function engineModule(root: string) {
  const folder = join(root, "toolchain", "offline", "engine");
  const [mod, sum] = ["go.mod", "go.sum"].map((name) => readFileSync(join(folder, name), "utf8"));
  const line = (pattern: RegExp) => pattern.exec(mod ?? "")?.[1] ?? "";
  return {
    folder,
    /** Of the code, so it is also what the program calls itself. A test compares it with package.json. */
    version: line(/^\s*github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m),
    /** The oldest Go that builds it. */
    go: line(/^go (\S+)$/m),
    hash: createHash("sha256").update(`${mod}${sum}`).digest("hex").slice(0, 12),
  };
}
