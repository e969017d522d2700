// An image of a server on which all is there that a first deployment installs and compiles: for tests that are about
// something else. A server from a bare image is what deployment.test.ts and existingServer.test.ts start with.
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

/**
 * Makes the image once, from another one of that platform.
 * @param server settings: where packages come from
 */
export async function preparedImage(base: string, server: Settings, platform: Platform): Promise<string> {
  const { command, runOptions } = await readContainers();
  const [engine, ...globals] = command;
  const call = async (...args: string[]) =>
    (await run(engine, [...globals, ...args], { maxBuffer: 1e8 })).stdout.trim();
  const scripts = preparation(server, platform);
  const id = await call("image", "inspect", "--format", "{{.Id}}", base);
  const hash = createHash("sha256")
    .update(JSON.stringify([id, scripts]))
    .digest("hex")
    .slice(0, 12);
  const image = `localhost/uwsgi-nginx-server:prepared-${hash}`;
  if (await call("image", "inspect", image).catch(() => undefined)) return image;
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
    for (const [args, text] of scripts) {
      await feed([engine, ...globals, "exec", "--interactive", name, "bash", "-s", "--", ...args], text);
    }
    await call("commit", "--quiet", name, image);
  } finally {
    await call("rm", "--force", "--time", "0", name).catch(() => undefined);
  }
  return image;
}

/** What runs on the server, in this order: the arguments of each script, and its text. */
function preparation(settings: Settings, platform: Platform): [string[], string][] {
  const downloads = planDownloads({ ...settingsSchema.parse({ server: settings }).server, onYourComputer: true });
  const pythons = Object.entries(platform.pythons);
  const names = [...platform.packages.base, ...pythons.flatMap(([, { packages }]) => packages), platform.nginx.package];
  const packages = [...new Set(names)].join(" ");
  const library = ["lib.sh", platform.packages.script, "downloads.sh"].map((part) => asset(`scripts/${part}`));
  const values = Object.entries({ ...downloads.packages, ...downloads.files });
  const functions = [...library, ...values.map(([key, value]) => `${key}=${quote(value)}`)].join("\n");
  const install = "configure_packages; trust_certificates; install_packages $1; trust_certificates";
  const undo = "package_config='' ca_certificates=''; trust_certificates; forget_downloads; configure_packages";
  return [
    [[packages], `${functions}\nmain() { ${install}; }\nmain "$@" < /dev/null\n`],
    ...pythons.map(([python, details]): [string[], string] => {
      const folder = wheelFolder(python, uwsgiVersion);
      const parameters = { ...pythonParameters(details), ...downloads.pip, version: uwsgiVersion, folder };
      return [["up"], script("build-uwsgi.sh", { parts: ["python.sh"], parameters })];
    }),
    [[], `${functions}\nmain() { ${undo}; rm -rf /run/lock/uwsgi-nginx-*; : > /etc/machine-id; }\nmain < /dev/null\n`],
  ];
}
