import { readFile } from "node:fs/promises";
import { canInstall, installCommand, installPackages } from "../common/apt";
import { indented, UserError } from "../common/errors";
import { run, succeeds } from "../common/run";
import type { Step } from "../common/steps";
import { type Containers, readContainers, writeContainers } from "./containerEngine";
import { buildImage, defaultOptions, findEngine, imageOf, readRecipe } from "./image";

/** Makes sure that a container engine works and has the image of a server. */
export async function prepareContainers(root: string, options = defaultOptions(root)): Promise<Containers> {
  const recipe = await readRecipe(root);
  const image = await imageOf(recipe);
  const known = await readContainers(root);
  if (known?.image === image && (await hasImage(known.command[0] ?? "", image))) return known;

  const engine = (await findEngine()) ?? (await installEngine(root, options.step));
  if (!(await hasImage(engine, image))) await buildImage(engine, recipe, image, options);
  if (known?.image === image && known.command[0] === engine) return known;
  const containers = { ...(await workingOptions(engine, image)), image };
  await writeContainers(root, containers);
  return containers;
}

function hasImage(engine: string, image: string): Promise<boolean> {
  return succeeds(engine, ["image", "inspect", image]);
}

async function installEngine(root: string, step: Step): Promise<string> {
  const packages = ["podman", "runc", "iptables", "containernetworking-plugins", "dnsmasq-base"];
  if (!canInstall()) {
    throw new UserError(
      "No container engine works here: neither `podman info` nor `docker info` answers. Nothing was changed.",
      `install or start Podman or Docker. On Debian or Ubuntu, run: sudo ${installCommand(packages)}`,
    );
  }
  await installPackages(root, step, "container engine", packages);
  const engine = await findEngine();
  if (engine) return engine;
  throw new UserError(
    "Podman was installed, but `podman info` fails.",
    "run `podman info` and correct what it reports.",
  );
}

/** What a systemd container needs. Podman knows systemd; Docker needs the cgroup tree and tmpfs. */
const systemdOptions: Readonly<Record<string, readonly string[]>> = {
  podman: ["--systemd=always"],
  docker: [
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE", // for PrivateUsers with ProtectProc, if systemd may mount
    "--env=container=docker", // tells systemd 219 that it is in a container; podman sets it
  ],
};

const runc = ["--runtime", "runc"];
const globalOptions: Readonly<Record<string, readonly (readonly string[])[]>> = {
  podman: [[], runc, [...runc, "--cgroup-manager=cgroupfs"]],
  docker: [[]],
};

/** The first options with which a container runs: nested engines and low limits restrict what works. */
async function workingOptions(engine: string, image: string): Promise<Omit<Containers, "image">> {
  let failure = "";
  for (const options of globalOptions[engine] ?? []) {
    for (const limits of [[], await lowerLimits()]) {
      const { code, stderr } = await run(engine, [...options, "run", "--rm", ...limits, image, "/bin/true"]);
      if (code === 0)
        return { command: [engine, ...options], runOptions: [...(systemdOptions[engine] ?? []), ...limits] };
      failure = stderr.trim().split("\n").at(-1) ?? "";
    }
  }
  throw new UserError(
    `The container engine ${engine} cannot run a container on this computer.\n${indented(failure)}`,
    `correct the cause; this shows the same error: ${engine} run --rm ${image} true`,
  );
}

/** Limits within those of this process, for engines that ask for more by default. They are enough for a server. */
async function lowerLimits(): Promise<string[]> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const hard = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Infinity);
  const files = Math.min(20_000, hard(/^Max open files\s+\S+\s+(\d+)/m));
  const processes = Math.min(30_000, hard(/^Max processes\s+\S+\s+(\d+)/m));
  return [`--ulimit=nofile=${files}:${files}`, `--ulimit=nproc=${processes}:${processes}`];
}
