import { createHash } from "node:crypto";
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { satisfies } from "semver";
import { errorCode, Interrupted, UserError } from "../common/errors";
import { type Env, paths } from "../common/paths";
import { isAlive, isProgram, run, runLogged, which } from "../common/run";
import { say, step } from "../common/steps";
import { tooOldMarker, withoutOtherCheckout } from "./environment";
import { downloads, isOnline } from "./online";
import { engineModule, oldestEngine, pinnedVersion } from "./versions";

const platform = `${process.platform}-${process.arch}`;

/**
 * Finds or installs the Pulumi engine and returns its path. In this order: the one on PATH; one downloaded earlier, or
 * now; one built from its Go module earlier, or now.
 *
 * `PulumiCommand.install` is not used: it runs an installer that it downloads, without a check and without the proxy (Node
 * 24 is the first with NODE_USE_ENV_PROXY), and an interrupted download would leave half an engine.
 */
export async function prepareEngine(root: string, env: Env = withoutOtherCheckout(root)): Promise<string> {
  const { bin, engines } = paths(root, env);
  const onPath = await findOnPath(root, env);
  if (onPath) {
    rmSync(join(bin, "pulumi"), { force: true });
    return onPath;
  }
  removeAbandonedDrafts(engines);
  const version = pinnedVersion(root, "@pulumi/pulumi");
  const downloaded = join(engines, `${version}-${platform}-downloaded`, "bin", "pulumi");
  if (!isProgram(downloaded) && (await isOnline(root))) await download(root, version, downloaded);
  if (isProgram(downloaded)) return putIntoBin(downloaded, bin, "link");
  const module = engineModule(root);
  const built = join(engines, `${module.version}-${platform}-built-${module.hash}`, "bin", "pulumi");
  if (!isProgram(built)) await build(root, module, built);
  return putIntoBin(built, bin, "file");
}

async function findOnPath(root: string, env: Env): Promise<string | undefined> {
  const { bin, local, tooOld } = paths(root, env);
  const program = which("pulumi", env.PATH, [bin]);
  if (!program) {
    rmSync(tooOld, { force: true });
    return undefined;
  }
  const { stdout } = await run(program, ["version"], { env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" } });
  const version = stdout.trim() || "unknown";
  if (!isSupported(version)) {
    say(`${program} is version ${version}, but version ${oldestEngine} or newer is required. It is not used.`);
    mkdirSync(local, { recursive: true, mode: 0o700 });
    writeFileSync(tooOld, tooOldMarker(program));
    return undefined;
  }
  rmSync(tooOld, { force: true });
  return program;
}

/** Pulumi's engine and SDK work together within one major version. */
export function isSupported(version: string): boolean {
  return satisfies(version.trim(), `^${oldestEngine}`, { includePrerelease: true });
}

/**
 * Downloads Pulumi's archive, which also brings the language host, and unpacks it if its checksum is right. If this fails,
 * the engine can still be built.
 */
async function download(root: string, version: string, target: string): Promise<void> {
  const log = join(paths(root).logs, "engine-download.log");
  const archive = `pulumi-v${version}-${platform}.tar.gz`;
  await step(`engine: downloading pulumi ${version}`, () =>
    createFolder(dirname(dirname(target)), async (draft) => {
      const file = join(draft, archive);
      await fetchFile(`${downloads}/releases/sdk/${archive}`, file, log);
      const wanted = checksumOf(archive, readFileSync(await checksums(root, version, draft, log), "utf8"));
      const found = createHash("sha256").update(readFileSync(file)).digest("hex");
      if (found !== wanted) {
        throw new UserError(
          `The downloaded ${archive} is not used: its SHA-256 is ${found}, but ${wanted ?? "none"} is published for it.`,
          "try again later. If it stays so, report it to Pulumi.",
        );
      }
      await runLogged("tar", ["-xzf", file, "-C", join(draft, "bin"), "--strip-components", "1"], { log });
      rmSync(file);
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof UserError) || error instanceof Interrupted) throw error;
    say(error.message);
  });
}

/**
 * The list of checksums of this version's archives: the project's own, if it has been added, or the one in Pulumi's
 * repository, which is not on the server that the archive is from.
 */
async function checksums(root: string, version: string, draft: string, log: string): Promise<string> {
  const own = join(root, "toolchain", "engine", `pulumi-${version}-checksums.txt`);
  if (existsSync(own)) return own;
  const list = join(draft, basename(own));
  await fetchFile(`https://github.com/pulumi/pulumi/releases/download/v${version}/${basename(own)}`, list, log);
  return list;
}

/** Each line of a list is a checksum and a name, as sha256sum prints them. */
export function checksumOf(name: string, list: string): string | undefined {
  const lines = list.split("\n").map((line) => line.trim().split(/ +\*?/));
  return lines.find(([sum = "", file]) => file === name && /^[0-9a-f]{64}$/.test(sum))?.[0];
}

/** With curl, because it supports proxies. */
async function fetchFile(url: string, file: string, log: string): Promise<void> {
  const args = ["--fail", "--silent", "--show-error", "--location", "--proto", "=https", "--max-time", "600"];
  await runLogged("curl", [...args, "--output", file, url], { log });
}

async function build(root: string, module: ReturnType<typeof engineModule>, target: string): Promise<void> {
  const { version, folder, go } = module;
  if (!which("go", process.env.PATH)) {
    throw new UserError(
      `The Pulumi engine is not installed, and could not be downloaded from ${downloads}. Nothing was changed.`,
      [
        `install pulumi ${oldestEngine} or newer (https://www.pulumi.com/docs/install/), or`,
        `install Go ${go} or newer (https://go.dev/doc/install), with which the engine is built from its Go module.`,
      ],
    );
  }
  const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
  await step(`engine: building pulumi ${version} from its Go module (once, 3 to 6 minutes)`, () =>
    createFolder(dirname(dirname(target)), (draft) =>
      runLogged("go", ["build", "-buildvcs=false", "-ldflags", flags, "-o", join(draft, "bin/"), "tool"], {
        cwd: folder,
        log: join(paths(root).logs, "engine-build.log"),
      }),
    ),
  );
}

/** Fills a folder under a temporary name, so that it is complete or absent, even if two commands create it at once. */
async function createFolder(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const draft = join(dirname(folder), `.draft-${process.pid}-${basename(folder)}`);
  mkdirSync(join(draft, "bin"), { recursive: true });
  try {
    await fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    const isThereAlready = ["ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "");
    if (!isThereAlready) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Removes what killed commands have left. */
function removeAbandonedDrafts(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const pid = /^\.draft-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * The engine looks for its language host in the folder that it really is in, and warns about one elsewhere. A downloaded
 * engine brings its own, so `bin` gets a link to it; a built one comes without, so it is put into `bin` itself, beside
 * the offline language host.
 */
function putIntoBin(engine: string, bin: string, as: "link" | "file"): string {
  mkdirSync(bin, { recursive: true, mode: 0o700 });
  const target = join(bin, "pulumi");
  const draft = `${target}.${process.pid}`;
  const [wanted, present] = [engine, target].map((file) => statSync(file, { throwIfNoEntry: false }));
  const isLink = lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isLink === (as === "link") && present?.size === wanted?.size && present?.mtimeMs === wanted?.mtimeMs)
    return target;
  rmSync(draft, { force: true });
  if (as === "link") symlinkSync(engine, draft);
  else linkOrCopy(engine, draft);
  renameSync(draft, target);
  return target;
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if (errorCode(error) !== "EXDEV" && errorCode(error) !== "EPERM") throw error;
    copyFileSync(source, target, constants.COPYFILE_FICLONE); // another file system
    const { mtime } = statSync(source);
    utimesSync(target, mtime, mtime);
  }
}
