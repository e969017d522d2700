// Packages of this machine, where it is a Debian or Ubuntu one and its user is root.
import { join } from "node:path";
import { places } from "./paths.mjs";
import { runLogged, which } from "./run.mjs";

/** @typedef {<T>(title: string, work: () => Promise<T>) => Promise<T>} Step shows a long step and its time */

export function canInstall() {
  return process.getuid?.() === 0 && which("apt-get", process.env.PATH) !== undefined;
}

/** @param {string[]} packages */
export function installCommand(packages) {
  return `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
}

/**
 * @param {string} root of the checkout
 * @param {Step} step
 * @param {string} what they are for
 * @param {string[]} packages
 */
export async function installPackages(root, step, what, packages) {
  const options = {
    log: join(places(root).logs, "apt-get.log"),
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    patient: true,
  };
  const [command = "", ...words] = installCommand(packages).split(" ");
  await step(`${what} (apt-get install ${packages.join(" ")})`, async () => {
    // Completes what was cut off in the middle, for apt-get does nothing before that is done.
    await runLogged("dpkg", ["--configure", "-a", "--force-confold"], options);
    await runLogged(command, ["update"], options);
    await runLogged(command, [...words, "-o", "Dpkg::Options::=--force-confold"], options);
  });
}
