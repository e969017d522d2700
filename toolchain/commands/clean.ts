import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../common/errors";
import { paths } from "../common/paths";
import { say, step } from "../common/steps";
import { removeImages } from "../containers/image";
import { environment } from "../engine/environment";
import { stackFiles } from "../engine/passphrase";

/** Removes caches. It refuses while there are stacks: without their state and passphrase they could not be destroyed. */
export async function clean(root: string): Promise<void> {
  const own = paths(root);
  const stacks = stackFiles(own.state);
  if (stacks.length > 0) {
    throw new UserError(
      `The stacks ${stacks.join(", ")} still exist. Nothing was changed.`,
      `destroy them first: ${stacks.map((name) => `npm run destroy -- ${name}`).join("; ")}`,
    );
  }
  for (const image of await step("images", removeImages))
    say(`${image} is kept, because containers of another checkout use it.`);
  await step("caches", () => {
    const secrets = settingsWithSecrets(root);
    const passphrase = environment(root).PULUMI_CONFIG_PASSPHRASE_FILE;
    for (const name of existsSync(own.local) ? readdirSync(own.local) : []) {
      const file = join(own.local, name);
      if (secrets.length > 0 && file === passphrase)
        say(`${file} is kept: it decrypts the secrets in ${secrets.join(", ")}.`);
      else rmSync(file, { recursive: true, force: true });
    }
    if (secrets.length === 0) rmSync(own.local, { recursive: true, force: true });
    rmSync(own.cache, { recursive: true, force: true });
  });
  say("The caches of npm and Go are kept: node_modules, `npm cache`, `go clean -cache -modcache`.");
}

export function settingsWithSecrets(root: string): string[] {
  return readdirSync(root).filter(
    (name) => /^Pulumi\..+\.yaml$/.test(name) && /^encryptionsalt:/m.test(readFileSync(join(root, name), "utf8")),
  );
}
