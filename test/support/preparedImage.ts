// Images of a server on which all is there that a first deployment installs and compiles: for tests that are about something
// else. A server from a bare image is what deployment.test.ts and existingServer.test.ts start with.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import type { Platform } from "../../platforms";
import { wheelFolder } from "../../rendering/app";
import { asset, script } from "../../rendering/assets";
import { planDownloads, pythonParameters } from "../../rendering/downloads";
import { quote } from "../../rendering/shell";
import { settingsSchema } from "../../settings/schema";
import { containerName, feed, readContainers } from "./containers";
import { uwsgiVersion } from "./defaults";
import type { Settings } from "./product";
import { waitFor } from "./waitFor";

const run = promisify(execFile);

/** What is on an image: the packages, or uWSGI too. */
export type Prepared = "packages" | "uwsgi";

/**
 * Makes the images once, from another one of that platform.
 * @param server settings: where packages come from
 * @returns the name of the one that is wanted
 */
export async function preparedImage(
  base: string,
  server: Settings,
  platform: Platform,
  wanted: Prepared = "uwsgi",
): Promise<string> {
  const { command, runOptions } = await readContainers();
  const [engine, ...globals] = command;
  const call = async (...args: string[]) =>
    (await run(engine, [...globals, ...args], { maxBuffer: 1e8 })).stdout.trim();
  const steps = preparation(server, platform);
  const id = await call("image", "inspect", "--format", "{{.Id}}", base);
  const hash = createHash("sha256")
    .update(JSON.stringify([id, steps]))
    .digest("hex")
    .slice(0, 12);
  const image = (what: Prepared) => `localhost/uwsgi-nginx-server:prepared-${what}-${hash}`;
  if (await call("image", "inspect", image("uwsgi")).catch(() => undefined)) return image(wanted);
  const name = containerName({ command });
  const options = ["--detach", "--name", name, ...runOptions, ...platform.container.runOptions];
  try {
    await call("run", ...options, base, ...platform.container.command);
    await waitFor("the container to boot", async () => {
      const state = await call("exec", name, "systemctl", "is-system-running").catch(
        (error: unknown) => (error as { stdout: string }).stdout,
      );
      return /running|degraded/.test(state);
    });
    for (const [what, scripts] of Object.entries(steps) as [Prepared, Script[]][]) {
      for (const { args, text } of scripts) {
        await feed([engine, ...globals, "exec", "--interactive", name, "bash", "-s", "--", ...args], text);
      }
      await call("commit", "--quiet", name, image(what));
    }
  } finally {
    await call("rm", "--force", "--time", "0", name).catch(() => undefined);
  }
  return image(wanted);
}

interface Script {
  readonly args: readonly string[];
  readonly text: string;
}

/** What runs on the server for each image, one after the other. */
function preparation(settings: Settings, platform: Platform): Record<Prepared, Script[]> {
  const downloads = planDownloads({ ...settingsSchema.parse({ server: settings }).server, onYourComputer: true });
  const pythons = Object.entries(platform.pythons);
  const names = [...platform.packages.base, ...pythons.flatMap(([, { packages }]) => packages), platform.nginx.package];
  const library = ["lib.sh", platform.packages.script, "downloads.sh"].map((part) => asset(`scripts/${part}`));
  const values = Object.entries({ ...downloads.packages, ...downloads.files });
  const functions = [...library, ...values.map(([key, value]) => `${key}=${quote(value)}`)].join("\n");
  const main = (lines: string, ...args: string[]): Script => ({
    args,
    text: `${functions}\nmain() { ${lines}; }\nmain "$@" < /dev/null\n`,
  });
  const begin = "configure_packages; trust_certificates";
  const end = main(
    "package_config='' ca_certificates=''; trust_certificates; forget_downloads; configure_packages; " +
      "rm -rf /run/lock/uwsgi-nginx-*; : > /etc/machine-id",
  );
  const builds = pythons.map(([python, details]): Script => {
    const folder = wheelFolder(python, uwsgiVersion);
    const parameters = { ...pythonParameters(details), ...downloads.pip, version: uwsgiVersion, folder };
    return { args: ["up"], text: script("build-uwsgi.sh", { parts: ["python.sh"], parameters }) };
  });
  return {
    packages: [main(`${begin}; install_packages $1; trust_certificates`, [...new Set(names)].join(" ")), end],
    uwsgi: [main(begin), ...builds, end],
  };
}
