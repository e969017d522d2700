// The container engine and the image of the local host: found or made once, written down in `.local/containers.json`,
// which is all that the program needs to know about containers.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canInstall, installCommand, installPackages } from "./apt.mjs";
import { errorCode, UserError } from "./errors.mjs";
import { places } from "./paths.mjs";
import { isAlive, run, runLogged } from "./run.mjs";

/**
 * @typedef {{command: string[], runOptions: string[], image: string}} Containers
 * `command`: the engine with its global options; `runOptions`: what `create` needs so that systemd boots;
 * `image`: the local image of the host.
 * @typedef {{name: string, folder: string, title: string, image: string, suite: string}} Recipe
 * `folder` holds Containerfile, packages and setup.sh; `image` is what it builds on where that can be pulled, `suite` what
 * its packages are otherwise taken from.
 * @typedef {import("./apt.mjs").Step} Step
 */

const imageName = "localhost/uwsgi-nginx-server";
/** Room that building the image takes at its peak, measured: archive 240 MB, image 330 MB, and unpacking. */
const imageBytes = 1.2e9;
/** For an engine that waits for a registry whose answers a firewall swallows. */
const pullSeconds = 300;
const mend = "Mend what it says and run the same command again.";

/**
 * Makes sure that a container engine works and that it has the host's image.
 * @param {{root: string, cache: string, step: Step}} options `root` of the checkout; `cache` for the image while it is built
 * @returns {Promise<Containers>}
 */
export async function prepareContainers({ root, cache, step }) {
  const engine = (await findEngine()) ?? (await installEngine(root, step));
  const recipe = await readRecipe(join(root, "assets", "images"));
  const image = `${imageName}:${recipe.name}-${await recipeHash(recipe.folder)}`;
  if (!(await succeeds(engine, ["image", "inspect", image])))
    await makeImage(engine, recipe, image, { root, cache, step });

  const file = places(root).containers;
  const known = await readContainers(root);
  if (known?.image === image && known.command[0] === engine) return known;
  const containers = { ...(await workingOptions(engine, image)), image };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(containers, null, 2) + "\n");
  await rename(`${file}.new`, file);
  return containers;
}

/**
 * Removes the images that `prepareContainers` made, but for those in use: other checkouts have their servers from them.
 * @returns {Promise<string[]>} the images that stay
 */
export async function cleanContainers() {
  const engine = await findEngine();
  if (!engine) return [];
  const images = await ask(engine, ["images", "--format", "{{.Repository}}:{{.Tag}}", imageName]);
  const stay = [];
  for (const image of new Set(images.split("\n").filter(Boolean)))
    if (!(await succeeds(engine, ["rmi", image]))) stay.push(image);
  return stay;
}

/**
 * Whether a container is no more, by the engine's own word.
 * @param {string} root
 * @param {string} id
 */
export async function isGone(root, id) {
  const [engine, ...options] = (await readContainers(root))?.command ?? [];
  if (!engine || (await succeeds(engine, [...options, "container", "inspect", id]))) return false;
  return succeeds(engine, [...options, "ps"]);
}

/**
 * Starts a stack's containers that are there and stopped, as after a restart of this machine.
 * @param {string} root
 * @param {string} stack
 */
export async function startContainers(root, stack) {
  const { engine, options, ids } = await stackContainers(root, stack, ["exited", "created"]);
  if (ids.length > 0) await ask(engine, [...options, "start", ...ids]);
}

/**
 * Removes what a destroyed stack may have left: a container that was being made when the engine was killed.
 * @param {string} root
 * @param {string} stack
 */
export async function removeContainers(root, stack) {
  const { engine, options, ids } = await stackContainers(root, stack);
  if (ids.length > 0) await ask(engine, [...options, "rm", "--force", "--volumes", ...ids]);
}

/**
 * Containers that assets/scripts/container-server.sh has made for a stack of this checkout.
 * @param {string} root
 * @param {string} stack
 * @param {string[]} states none: in any state
 */
async function stackContainers(root, stack, states = []) {
  const containers = await readContainers(root);
  if (!containers) return { engine: "", options: [], ids: [] };
  const [engine = "", ...options] = containers.command;
  const filters = [
    `label=uwsgi-nginx.folder=${root}`,
    `label=uwsgi-nginx.stack=${stack}`,
    ...states.map((state) => `status=${state}`),
  ];
  const ids = await ask(engine, [
    ...[...options, "ps", "--all", "--quiet"],
    ...filters.flatMap((filter) => ["--filter", filter]),
  ]);
  return { engine, options, ids: ids.split("\n").filter(Boolean) };
}

/**
 * @param {string} root
 * @returns {Promise<Containers | undefined>} what `prepareContainers` has written down
 */
function readContainers(root) {
  return readFile(places(root).containers, "utf8").then(JSON.parse, () => undefined);
}

/** @returns {Promise<string | undefined>} the first engine that answers */
async function findEngine() {
  for (const engine of ["podman", "docker"]) if (await succeeds(engine, ["info"])) return engine;
  return undefined;
}

/**
 * @param {string} root
 * @param {Step} step
 */
async function installEngine(root, step) {
  const packages = ["podman", "runc", "iptables", "containernetworking-plugins", "dnsmasq-base"];
  if (!canInstall()) {
    throw new UserError(
      "No container engine works here: neither `podman info` nor `docker info` answers.",
      `Install podman or docker, or start it. On Debian or Ubuntu: sudo ${installCommand(packages)}`,
    );
  }
  await installPackages(root, step, "container engine", packages);
  const engine = await findEngine();
  if (!engine)
    throw new UserError("podman was installed, yet `podman info` fails.", "Run it by hand and mend what it says.");
  return engine;
}

/**
 * @param {string} engine
 * @param {Recipe} recipe
 * @param {string} image
 * @param {{root: string, cache: string, step: Step}} options
 */
async function makeImage(engine, recipe, image, { root, cache, step }) {
  await mkdir(cache, { recursive: true });
  const storage = engine === "podman" ? "{{.Store.GraphRoot}}" : "{{.DockerRootDir}}";
  await requireDiskSpace([cache, await ask(engine, ["info", "--format", storage])], imageBytes);

  const making = { log: join(places(root).logs, "image.log"), patient: true, whatToDo: mend };
  const pulled = await step(`image ${recipe.image}`, () =>
    succeeds(engine, ["pull", recipe.image], { timeoutSeconds: pullSeconds }),
  );
  if (pulled) {
    await step(`image of the host (${recipe.title} with systemd and sshd)`, () =>
      runLogged(
        engine,
        [
          ...["build", "--tag", image, "--build-arg", `IMAGE=${recipe.image}`],
          ...["--file", join(recipe.folder, "Containerfile"), recipe.folder],
        ],
        making,
      ),
    );
    return;
  }
  const tools = ["mmdebstrap", "debian-archive-keyring"];
  if (!(await succeeds("mmdebstrap", ["--version"]))) {
    if (!canInstall()) {
      throw new UserError(
        "No image can be pulled, and mmdebstrap, which builds one from Debian's packages, is not installed.",
        `Give the container engine access to its registry, or run: sudo ${installCommand(tools)}`,
      );
    }
    await installPackages(root, step, "builder of the image", tools);
  }
  await step(
    `image of the host (${recipe.title} built from its packages, for no image can be pulled here)`,
    async () => {
      await removeDeadArchives(cache);
      const archive = join(cache, `${recipe.name}-${process.pid}.tar`);
      try {
        const packages = (await readFile(join(recipe.folder, "packages"), "utf8")).trim().split("\n").join(",");
        const hook = `--customize-hook=bash "${join(recipe.folder, "setup.sh")}" "$1"`;
        await runLogged("mmdebstrap", ["--variant=apt", `--include=${packages}`, hook, recipe.suite, archive], making);
        await runLogged(engine, ["import", "--change", 'CMD ["/sbin/init"]', archive, image], making);
      } finally {
        await rm(archive, { force: true });
      }
    },
  );
}

/**
 * What killed runs have left.
 * @param {string} cache
 */
async function removeDeadArchives(cache) {
  for (const name of await readdir(cache)) {
    const pid = /-(\d+)\.tar$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(cache, name), { force: true });
  }
}

/**
 * @param {string[]} folders those that are not there are passed over: an engine in a virtual machine names one in that
 * @param {number} bytes
 */
async function requireDiskSpace(folders, bytes) {
  for (const folder of folders) {
    const { bavail, bsize } = await statfs(folder).catch((error) => {
      if (errorCode(error) === "ENOENT" || errorCode(error) === "EACCES") return { bavail: Infinity, bsize: 1 };
      throw error;
    });
    if (bavail * bsize >= bytes) continue;
    const megabytes = (/** @type {number} */ n) => Math.floor(n / 1e6);
    throw new UserError(
      `Not enough disk space for the host's root file system: ${folder} has ${megabytes(bavail * bsize)} MB left, ${megabytes(bytes)} MB are needed.`,
      `Free some space there, or point XDG_CACHE_HOME or the container engine's storage to a larger disk.`,
    );
  }
}

/**
 * Engines differ in what they may do here (nested containers, low limits, no crun): take the first options with which
 * a container runs.
 * @param {string} engine
 * @param {string} image
 */
async function workingOptions(engine, image) {
  // Each says what a systemd container needs: podman knows systemd; docker wants the cgroup tree and tmpfs spelt out.
  const systemd =
    engine === "podman"
      ? ["--systemd=always"]
      : [
          "--cgroupns=host",
          "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
          "--tmpfs=/run",
          "--tmpfs=/run/lock",
          "--cap-add=SYS_ADMIN",
          "--env=container=docker", // by which systemd 219 knows that it is in one; podman sets it
        ];
  const globals =
    engine === "podman" ? [[], ["--runtime", "runc"], ["--runtime", "runc", "--cgroup-manager=cgroupfs"]] : [[]];
  const limits = [[], await lowerLimits()];
  let failure = "";
  for (const options of globals) {
    for (const limit of limits) {
      const { code, stderr } = await run(engine, [...options, "run", "--rm", ...limit, image, "/bin/true"], {
        output: "take",
      });
      if (code === 0) return { command: [engine, ...options], runOptions: [...systemd, ...limit] };
      failure = stderr.trim().split("\n").at(-1) ?? "";
    }
  }
  throw new UserError(
    `${engine} cannot run a container here: ${failure}`,
    `Mend what it says; \`${engine} run --rm ${image} true\` shows the same.`,
  );
}

/** Limits for engines that ask for more than this process may give away: enough for a server, within what it has. */
async function lowerLimits() {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const hard = (/** @type {RegExp} */ pattern) => Number(pattern.exec(text)?.[1] ?? Infinity);
  const files = Math.min(20_000, hard(/^Max open files\s+\S+\s+(\d+)/m));
  const processes = Math.min(30_000, hard(/^Max processes\s+\S+\s+(\d+)/m));
  return [`--ulimit=nofile=${files}:${files}`, `--ulimit=nproc=${processes}:${processes}`];
}

/**
 * The one image that is made here, by the folder that is there.
 * @param {string} images
 * @returns {Promise<Recipe>}
 */
async function readRecipe(images) {
  const [name = ""] = await readdir(images);
  const folder = join(images, name);
  return { name, folder, ...JSON.parse(await readFile(join(folder, "recipe.json"), "utf8")) };
}

/** @param {string} folder */
async function recipeHash(folder) {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).sort())
    hash
      .update(name)
      .update("\0")
      .update(await readFile(join(folder, name)));
  return hash.digest("hex").slice(0, 12);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ timeoutSeconds?: number }} [options]
 */
async function succeeds(command, args, options) {
  try {
    return (await run(command, args, { ...options, output: "take" })).code === 0;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EACCES") return false; // there is no such program
    throw error;
  }
}

/**
 * @param {string} engine
 * @param {string[]} args
 * @returns {Promise<string>} what it prints
 */
async function ask(engine, args) {
  const { code, stdout, stderr } = await run(engine, args, { output: "take" }).catch((error) => {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new UserError(
      `${engine}, which has the containers of this checkout, is not on PATH any more.`,
      "Put it back.",
    );
  });
  if (code === 0) return stdout.trim();
  throw new UserError(`'${engine} ${args.join(" ")}' failed (exit code ${code}): ${stderr.trim()}`, mend);
}
