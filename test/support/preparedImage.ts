// Images of a server on which all is there that a first deployment installs and compiles: for tests that are about something
// else. A server from a bare image is what deployment.test.ts and existingServer.test.ts start with.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import type { Platform } from "../../platforms";
import { asset } from "../../rendering/assets";
import { buildService } from "../../rendering/build";
import { planDownloads } from "../../rendering/downloads";
import { quote } from "../../rendering/shell";
import { pythonLine, uwsgiFor } from "../../rendering/uwsgi";
import { settingsSchema } from "../../settings/schema";
import { containerName, feed, readContainers } from "./containers";
import { uwsgi } from "./defaults";
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
    for (const [what, text] of Object.entries(steps) as [Prepared, string][]) {
      await feed([engine, ...globals, "exec", "--interactive", name, "bash", "-s"], text);
      await call("commit", "--quiet", name, image(what));
    }
  } finally {
    await call("rm", "--force", "--time", "0", name).catch(() => undefined);
  }
  return image(wanted);
}

/** What runs on the server for each image, one after the other. */
function preparation(settings: Settings, platform: Platform): Record<Prepared, string> {
  const downloads = planDownloads({ ...settingsSchema.parse({ server: settings }).server, onYourComputer: true });
  const builds = Object.keys(platform.pythons).map((python) => ({ python, ...uwsgiFor(uwsgi, platform, python) }));
  const names = [
    ...platform.packages.base,
    ...Object.values(platform.pythons).flatMap(({ packages }) => packages),
    ...builds.flatMap(({ packages }) => packages),
    platform.nginx.package,
  ];
  const common = ["lib.sh", "claim.sh", "apps.sh", "users.sh", "build.sh", "python.sh"];
  const parts = [...common, platform.packages.script, "downloads.sh", "uwsgi.sh"];
  const build_service = buildService(platform);
  const values = { ...downloads.packages, ...downloads.files, ...downloads.pip, uwsgi_from: uwsgi.from, build_service };
  const texts = [
    ...parts.map((part) => asset(`toolkit/${part}`)),
    ...Object.entries(values).map(([key, value]) => `${key}=${quote(value)}`),
  ];
  const script = (...lines: string[]) => {
    const end = [
      "package_config='' ca_certificates=''",
      "trust_certificates",
      "forget_downloads",
      "configure_packages",
      'rm -rf "$state_folder" "$unit"; systemctl daemon-reload',
    ];
    const unit =
      'unit=/etc/systemd/system/uwsgi-build@.service; write_text "$build_service" "$unit"; systemctl daemon-reload';
    const steps = ["configure_packages", "trust_certificates", unit, ...lines, ...end, ": > /etc/machine-id"];
    return `${[...texts, "main() {", ...steps, "}", "main < /dev/null"].join("\n")}\n`;
  };
  const lines = builds.map((build) => pythonLine(platform, build.python, build).trim());
  return {
    packages: script(`install_packages ${[...new Set(names)].join(" ")}`, "trust_certificates"),
    uwsgi: script(...lines.map((line) => `build_wheel ${quote(line)}`)),
  };
}
