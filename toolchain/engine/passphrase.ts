import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode, UserError } from "../common/errors";
import { type Env, paths } from "../common/paths";
import { backendUrl, environment } from "./environment";

/**
 * Creates the passphrase that encrypts the secrets of this checkout's stacks: once, random, readable by its owner only.
 * It is never created while there are stacks, because those could not be decrypted with another one.
 */
export function ensurePassphrase(root: string, outer: Env = process.env): void {
  const own = paths(root, outer);
  const env = environment(root, outer);
  if (env.PULUMI_BACKEND_URL !== backendUrl(root) || env.PULUMI_CONFIG_PASSPHRASE !== undefined) return;
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE ?? own.passphrase;
  if (existsSync(file)) {
    if (statSync(file).size > 0) return;
    throw new UserError(`The passphrase file ${file} is empty. Nothing was changed.`, passphraseFix(root));
  }
  if (file !== own.passphrase) {
    throw new UserError(
      `PULUMI_CONFIG_PASSPHRASE_FILE names ${file}, which does not exist. Nothing was changed.`,
      "correct the variable, or unset it.",
    );
  }
  const stacks = stackFiles(own.state);
  if (stacks.length > 0) {
    throw new UserError(
      `The passphrase file ${file} is missing, and the secrets of ${stacks.join(", ")} cannot be decrypted without it. Nothing was changed.`,
      passphraseFix(root),
    );
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file); // unlike a rename, this fails if another command was faster
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

export function passphraseFix(root: string): string[] {
  const own = paths(root);
  return [
    `restore the passphrase in ${own.passphrase} (or set PULUMI_CONFIG_PASSPHRASE).`,
    `start again if it is lost: remove the stack's servers by hand, then delete ${own.local} and the line 'encryptionsalt' of each Pulumi.STACK.yaml.`,
  ];
}

/** The stacks in a state folder. */
export function stackFiles(state: string): string[] {
  const folder = join(state, ".pulumi", "stacks");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.json(\.gz)?$/.test(file))
    .map((file) => basename(file).replace(/\.json(\.gz)?$/, ""));
}
