import { join } from "node:path";
import { paths } from "./paths";
import { runLogged, which } from "./run";
import type { Step } from "./steps";

/** Whether packages can be installed without asking: Debian or Ubuntu, as root. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && which("apt-get", process.env.PATH) !== undefined;
}

export function installCommand(packages: readonly string[]): string {
  return `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
}

/** Installs Debian packages on this computer; `purpose` is part of the step's title. */
export async function installPackages(
  root: string,
  step: Step,
  purpose: string,
  packages: readonly string[],
): Promise<void> {
  const options = {
    log: join(paths(root).logs, "apt-get.log"),
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    patient: true,
  };
  const [command = "", ...args] = installCommand(packages).split(" ");
  await step(`${purpose} (apt-get install ${packages.join(" ")})`, async () => {
    // apt-get refuses to work until packages from an interrupted run are configured.
    await runLogged("dpkg", ["--configure", "-a", "--force-confold"], options);
    await runLogged(command, ["update"], options);
    await runLogged(command, [...args, "-o", "Dpkg::Options::=--force-confold"], options);
  });
}
