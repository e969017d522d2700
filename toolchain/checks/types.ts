import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { indented, UserError } from "../common/errors";
import { paths } from "../common/paths";
import { run } from "../common/run";
import { step } from "../common/steps";

/**
 * Checks the types of all sources, unless the same sources have passed before. The engine runs the program without a type
 * check (see tsconfig.json), so this keeps type errors from a server.
 */
export async function checkTypes(root: string): Promise<void> {
  const marker = paths(root).typesChecked;
  const hash = sourcesHash(root);
  if (existsSync(marker) && readFileSync(marker, "utf8") === hash) return;
  await step("types (tsc, the sources have changed)", async () => {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const args = [tsc, "--noEmit", "--pretty", "false", "-p", "tsconfig.check.json"];
    const { code, stdout } = await run(process.execPath, args, { cwd: root });
    if (code === 0) return;
    throw new UserError(
      `The type check failed. Nothing was changed.\n${indented(stdout)}`,
      "correct the types and run the same command again.",
    );
  });
  mkdirSync(dirname(marker), { recursive: true, mode: 0o700 });
  writeFileSync(marker, hash);
}

/** A hash of what decides the result: the sources, the compiler's settings, the locked packages. */
export function sourcesHash(root: string): string {
  const hash = createHash("sha256");
  for (const file of sources(root))
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" || entry.name.startsWith(".") ? [] : sources(path);
      return /\.(ts|mts|cts|mjs)$|^tsconfig.*\.json$|^package-lock\.json$/.test(entry.name) ? [path] : [];
    });
}
