import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { backendUrl, environment } from "./environment.mjs";
import { errorCode, UserError } from "./errors.mjs";
import { places } from "./paths.mjs";

/**
 * Makes the passphrase that encrypts the secrets of this checkout's stacks: once, at random, readable by its owner only.
 * It is not made anew while there are stacks, because those could not be read with another one.
 *
 * @param {string} root
 * @param {Record<string, string | undefined>} [outer]
 */
export function ensurePassphrase(root, outer = process.env) {
  const own = places(root, outer);
  const env = environment(root, outer);
  if (env.PULUMI_BACKEND_URL !== backendUrl(root) || env.PULUMI_CONFIG_PASSPHRASE !== undefined) return;
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE ?? own.passphrase;
  if (existsSync(file)) {
    if (statSync(file).size === 0) throw new UserError(`The passphrase file ${file} is empty.`, whatToDo(root));
    return;
  }
  if (file !== own.passphrase) {
    throw new UserError(
      `PULUMI_CONFIG_PASSPHRASE_FILE names ${file}, which does not exist.`,
      "Correct the variable, or unset it.",
    );
  }
  const stacks = stackFiles(own.state);
  if (stacks.length > 0) {
    throw new UserError(
      `The passphrase file ${file} is missing, and the secrets in the state of ${stacks.join(", ")} cannot be read without it.`,
      whatToDo(root),
    );
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file); // unlike a rename, this fails when another run was faster
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

/**
 * @param {string} root
 */
export function whatToDo(root) {
  const own = places(root);
  return [
    `Put the right passphrase back into ${own.passphrase} (or into PULUMI_CONFIG_PASSPHRASE).`,
    `If it is lost for good, start over: remove the stack's containers or servers by hand, then delete ${own.local}`,
    `and the line 'encryptionsalt' of each Pulumi.<stack>.yaml.`,
  ].join("\n");
}

/**
 * The stacks that a state folder holds.
 * @param {string} state
 */
export function stackFiles(state) {
  const folder = join(state, ".pulumi", "stacks");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.json(\.gz)?$/.test(file))
    .map((file) => file.replace(/^.*\//, "").replace(/\.json(\.gz)?$/, ""));
}
