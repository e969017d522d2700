import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { UserError } from "./errors.mjs";
import { places } from "./paths.mjs";
import { run } from "./run.mjs";
import { step } from "./steps.mjs";

/**
 * Checks the types of all sources, unless just these have passed before. The engine runs the program without that check
 * (tsconfig.json says why), so a type error is caught here, before it can reach a server.
 *
 * @param {string} root
 */
export async function checkTypes(root) {
  const note = places(root).typesChecked;
  const hash = sourcesHash(root);
  if (existsSync(note) && readFileSync(note, "utf8") === hash) return;
  await step("types (tsc, the sources have changed)", async () => {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { code, stdout } = await run(
      process.execPath,
      [tsc, "--noEmit", "--pretty", "false", "-p", "tsconfig.check.json"],
      { cwd: root, output: "take" },
    );
    if (code !== 0)
      throw new UserError(
        `The types do not fit:\n    ${stdout.trim().split("\n").join("\n    ")}`,
        "Nothing was touched. Correct them and run the same command again.",
      );
  });
  mkdirSync(dirname(note), { recursive: true, mode: 0o700 });
  writeFileSync(note, hash);
}

/**
 * A hash of all that decides the result: the sources, the compiler's settings, the locked packages.
 * @param {string} root
 */
export function sourcesHash(root) {
  const hash = createHash("sha256");
  for (const file of sources(root))
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" || entry.name.startsWith(".") ? [] : sources(path);
      return /\.(ts|mts|cts|mjs)$|^tsconfig.*\.json$|^package-lock\.json$/.test(entry.name) ? [path] : [];
    });
}
