import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../rendering/shell";
import { canInstall, installCommand, installPackages } from "../common/apt";
import { errorCode, UserError } from "../common/errors";
import { paths } from "../common/paths";
import { isAlive, runLogged, succeeds } from "../common/run";
import { type Step, step as defaultStep } from "../common/steps";
import { engineLines, engineOutput, engines } from "./containerEngine";

const imageName = "localhost/uwsgi-nginx-server";
/** The measured peak: an archive of 240 MB, an image of 330 MB, and unpacking. */
const imageBytes = 1.2e9;
/** A firewall may swallow a registry's answers. */
const pullSeconds = 300;

/** How the image of a server is built. */
export interface Recipe {
  readonly name: string;
  readonly title: string;
  /** Contains Containerfile, packages and setup.sh. */
  readonly folder: string;
  /** What to build on, if it can be pulled. */
  readonly image: string;
  /** The Debian suite whose packages it is built from otherwise. */
  readonly suite: string;
}

/** The recipe is the one folder in assets/images. */
export async function readRecipe(root: string): Promise<Recipe> {
  const [name = ""] = await readdir(join(root, "assets", "images"));
  const folder = join(root, "assets", "images", name);
  const recipe = JSON.parse(await readFile(join(folder, "recipe.json"), "utf8")) as Pick<
    Recipe,
    "title" | "image" | "suite"
  >;
  return { name, folder, ...recipe };
}

/** The image's name, which changes with its recipe. */
export async function imageOf({ name, folder }: Recipe): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(folder)).sort())
    hash.update(`${file}\0`).update(await readFile(join(folder, file)));
  return `${imageName}:${name}-${hash.digest("hex").slice(0, 12)}`;
}

export interface ImageOptions {
  readonly root: string;
  /** Where the archive of the image is written while it is built. */
  readonly cache: string;
  readonly step: Step;
}

export async function buildImage(engine: string, recipe: Recipe, image: string, options: ImageOptions): Promise<void> {
  const { root, cache, step } = options;
  await mkdir(cache, { recursive: true });
  const storage = engine === "podman" ? "{{.Store.GraphRoot}}" : "{{.DockerRootDir}}";
  await requireDiskSpace([cache, await engineOutput(engine, ["info", "--format", storage])]);
  const pulled = await step(`image ${recipe.image}`, () =>
    succeeds(engine, ["pull", recipe.image], { timeoutSeconds: pullSeconds }),
  );
  const logging = {
    log: join(paths(root).logs, "image.log"),
    patient: true,
    fix: "correct what it reports and run the same command again.",
  };
  if (pulled) {
    const source = ["--build-arg", `IMAGE=${recipe.image}`, "--file", join(recipe.folder, "Containerfile")];
    await step(`image of the server (${recipe.title} with systemd and sshd)`, () =>
      runLogged(engine, ["build", "--tag", image, ...source, recipe.folder], logging),
    );
    return;
  }
  await requireImageBuilder(root, step);
  await step(`image of the server (${recipe.title}, built from packages because no image can be pulled)`, async () => {
    await removeAbandonedArchives(cache);
    const archive = join(cache, `${recipe.name}-${process.pid}.tar`);
    try {
      const packages = (await readFile(join(recipe.folder, "packages"), "utf8")).trim().split("\n").join(",");
      // A shell runs it, and the checkout's path may have any character.
      const hook = `--customize-hook=bash ${quote(join(recipe.folder, "setup.sh"))} "$1"`;
      await runLogged("mmdebstrap", ["--variant=apt", `--include=${packages}`, hook, recipe.suite, archive], logging);
      await runLogged(engine, ["import", "--change", 'CMD ["/sbin/init"]', archive, image], logging);
    } finally {
      await rm(archive, { force: true });
    }
  });
}

async function requireImageBuilder(root: string, step: Step): Promise<void> {
  if (await succeeds("mmdebstrap", ["--version"])) return;
  const packages = ["mmdebstrap", "debian-archive-keyring"];
  if (canInstall()) return installPackages(root, step, "builder of the image", packages);
  throw new UserError(
    "No image can be pulled, and mmdebstrap, which builds one from Debian packages, is not installed. Nothing was changed.",
    `give the container engine access to its registry, or run: sudo ${installCommand(packages)}`,
  );
}

/** Removes the images that `buildImage` has built, except those in use by other checkouts, which are returned. */
export async function removeImages(): Promise<string[]> {
  const engine = await findEngine();
  if (!engine) return [];
  const images = await engineLines(engine, ["images", "--format", "{{.Repository}}:{{.Tag}}", imageName]);
  const kept = [];
  for (const image of new Set(images)) if (!(await succeeds(engine, ["rmi", image]))) kept.push(image);
  return kept;
}

/** The first container engine that answers. */
export async function findEngine(): Promise<string | undefined> {
  for (const engine of engines) if (await succeeds(engine, ["info"])) return engine;
  return undefined;
}

/** Removes what killed commands have left. */
async function removeAbandonedArchives(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /-(\d+)\.tar$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(cache, name), { force: true });
  }
}

async function requireDiskSpace(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const { bavail, bsize } = await statfs(folder).catch((error: unknown) => {
      // The storage of an engine in a virtual machine is not a folder here.
      if (errorCode(error) === "ENOENT" || errorCode(error) === "EACCES") return { bavail: Infinity, bsize: 1 };
      throw error;
    });
    if (bavail * bsize >= imageBytes) continue;
    const megabytes = (bytes: number) => `${Math.floor(bytes / 1e6)} MB`;
    throw new UserError(
      `Not enough disk space for the image of the server: ${folder} has ${megabytes(bavail * bsize)} left, and ${megabytes(imageBytes)} are needed. Nothing was changed.`,
      "free disk space there, or move XDG_CACHE_HOME or the container engine's storage to a larger disk.",
    );
  }
}

export const defaultOptions = (root: string): ImageOptions => ({ root, cache: paths(root).cache, step: defaultStep });
