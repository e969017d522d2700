import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { environment } from "./environment.mjs";
import { UserError } from "./errors.mjs";
import { stackFiles } from "./passphrase.mjs";
import { places } from "./paths.mjs";
import { say, step } from "./steps.mjs";

/**
 * Removes what the other commands keep to be fast. It refuses while there are stacks: without their state and
 * passphrase nobody could remove their hosts any more.
 *
 * @param {string} root
 */
export async function clean(root) {
  const own = places(root);
  const stacks = stackFiles(own.state);
  if (stacks.length > 0) {
    throw new UserError(
      `There are still stacks: ${stacks.join(", ")}. Nothing was removed.`,
      `Remove them first: ${stacks.map((name) => `npm run destroy -- ${name}`).join("; ")}`,
    );
  }
  const { cleanContainers } = await import("./containers.mjs");
  for (const image of await step("images", () => cleanContainers()))
    say(`${image} stays: containers of another checkout run from it.`);
  await step("caches", () => {
    const secrets = settingsWithSecrets(root);
    for (const name of existsSync(own.local) ? readdirSync(own.local) : []) {
      if (secrets.length > 0 && join(own.local, name) === environment(root).PULUMI_CONFIG_PASSPHRASE_FILE) {
        say(`${join(own.local, name)} stays: ${secrets.join(", ")} holds secrets that only it can read.`);
      } else {
        rmSync(join(own.local, name), { recursive: true, force: true });
      }
    }
    if (secrets.length === 0) rmSync(own.local, { recursive: true, force: true });
    rmSync(own.cache, { recursive: true, force: true });
  });
  say("What npm and Go keep for themselves stays: node_modules, `npm cache`, `go clean -cache -modcache`.");
}

/** @param {string} root */
export function settingsWithSecrets(root) {
  return readdirSync(root).filter(
    (name) => /^Pulumi\..+\.yaml$/.test(name) && /^encryptionsalt:/m.test(readFileSync(join(root, name), "utf8")),
  );
}
