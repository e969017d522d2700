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
import { tooOldNote, withoutOtherCheckout } from "./environment.mjs";
import { errorCode, Interrupted, UserError } from "./errors.mjs";
import { engineInstaller, isOnline } from "./online.mjs";
import { places } from "./paths.mjs";
import { isAlive, isProgram, run, runLogged, which } from "./run.mjs";
import { say, step } from "./steps.mjs";
import { isAtLeast, oldestEngine, pinnedVersion } from "./versions.mjs";

/** @typedef {Record<string, string | undefined>} Env */

/**
 * Finds or makes the Pulumi engine. In this order: the machine's own; a genuine one downloaded earlier, or now; one built
 * earlier from its Go module, or now. Whatever is not on PATH is put into the project's `bin` folder.
 *
 * @param {string} root
 * @param {Env} [env]
 * @returns {Promise<string>} the program
 */
export async function prepareEngine(root, env = withoutOtherCheckout(root)) {
  const own = places(root, env);
  const onPath = await usableOnPath(root, env);
  if (onPath) {
    rmSync(join(own.bin, "pulumi"), { force: true });
    return onPath;
  }
  const version = pinnedVersion(root, "@pulumi/pulumi");
  const downloaded = join(own.engines, `${version}-${platform}-downloaded`, "bin", "pulumi");
  removeDeadDrafts(own.engines);
  if (!isProgram(downloaded) && (await isOnline(root))) await download(root, version, downloaded);
  if (isProgram(downloaded)) return putIntoBin(downloaded, own.bin, "link");
  const built = join(own.engines, `${version}-${platform}-built-${moduleHash(root)}`, "bin", "pulumi");
  if (!isProgram(built)) await build(root, version, built);
  return putIntoBin(built, own.bin, "file");
}

const platform = `${process.platform}-${process.arch}`;

/**
 * @param {string} root
 * @param {Env} env
 */
async function usableOnPath(root, env) {
  const own = places(root, env);
  const program = which("pulumi", env.PATH, [own.bin]);
  if (program) {
    const { stdout } = await run(program, ["version"], {
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      output: "take",
    });
    if (isAtLeast(stdout, oldestEngine)) {
      rmSync(own.tooOld, { force: true });
      return program;
    }
    say(`${program} is version ${stdout.trim() || "unknown"}, and ${oldestEngine} or newer is needed: not used.`);
    mkdirSync(own.local, { recursive: true, mode: 0o700 });
    writeFileSync(own.tooOld, tooOldNote(program));
  } else {
    rmSync(own.tooOld, { force: true });
  }
  return undefined;
}

/**
 * Pulumi's own installation script: the one way that works behind a proxy too and brings the language host along.
 * A failed download is no error: the engine can be built.
 *
 * @param {string} root
 * @param {string} version
 * @param {string} target
 */
async function download(root, version, target) {
  const logs = places(root).logs;
  await step(`engine: downloading pulumi ${version}`, () =>
    makeFolder(dirname(dirname(target)), async (draft) => {
      const script = join(draft, "install.sh");
      const log = join(logs, "engine-download.log");
      await runLogged("curl", ["-fsSL", "--max-time", "30", "-o", script, engineInstaller], { log });
      const args = [script, "--no-edit-path", "--install-root", draft, "--version", version];
      await runLogged("sh", args, { log, timeoutSeconds: 600 });
    }),
  ).catch((error) => {
    if (!(error instanceof UserError) || error instanceof Interrupted) throw error;
    say(error.message);
  });
}

/**
 * @param {string} root
 * @param {string} version
 * @param {string} target
 */
async function build(root, version, target) {
  if (!which("go", process.env.PATH)) {
    throw new UserError(
      `No Pulumi engine: none is installed, and ${new URL(engineInstaller).host} cannot be reached to download one.`,
      [
        "Install one of these, then run the same command again:",
        `- pulumi ${oldestEngine} or newer (https://www.pulumi.com/docs/install/), or`,
        "- Go 1.26 or newer (https://go.dev/doc/install): the engine is then built from its Go module.",
      ].join("\n"),
    );
  }
  const versionFlag = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
  await step(`engine: building pulumi ${version} from its Go module (once, 3 to 6 minutes)`, () =>
    makeFolder(dirname(dirname(target)), (draft) =>
      runLogged(
        "go",
        ["build", "-buildvcs=false", "-ldflags", `-s -w ${versionFlag}`, "-o", join(draft, "bin/"), "tool"],
        {
          cwd: join(root, "toolchain", "offline", "engine"),
          env: process.env,
          log: join(places(root).logs, "engine-build.log"),
        },
      ),
    ),
  );
}

/**
 * Fills a folder under another name first, so that it is either there and whole or not there at all, whenever this is
 * interrupted and however many do it at once.
 *
 * @param {string} folder
 * @param {(draft: string) => Promise<void>} fill
 */
async function makeFolder(folder, fill) {
  const draft = join(dirname(folder), `.draft-${process.pid}-${basename(folder)}`);
  mkdirSync(join(draft, "bin"), { recursive: true });
  try {
    await fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    const another = ["ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "");
    if (!another) throw error; // otherwise another run made it meanwhile
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * What killed runs have left.
 * @param {string} folder
 */
function removeDeadDrafts(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /^\.draft-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * The engine looks for its language host in the folder it really lies in, and warns about one found elsewhere. So a
 * downloaded engine, which brings its own, is linked to; a built one, which comes without, is put into `bin` itself (a
 * hard link), where the stand-in lies beside it.
 *
 * @param {string} engine
 * @param {string} bin
 * @param {"link" | "file"} as
 */
function putIntoBin(engine, bin, as) {
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

/**
 * @param {string} source
 * @param {string} target
 */
function linkOrCopy(source, target) {
  try {
    linkSync(source, target);
  } catch (error) {
    if (errorCode(error) !== "EXDEV" && errorCode(error) !== "EPERM") throw error;
    copyFileSync(source, target, constants.COPYFILE_FICLONE); // another file system
    const { mtime } = statSync(source);
    utimesSync(target, mtime, mtime);
  }
}

/** @param {string} root */
function moduleHash(root) {
  const hash = createHash("sha256");
  for (const name of ["go.mod", "go.sum"])
    hash.update(readFileSync(join(root, "toolchain", "offline", "engine", name)));
  return hash.digest("hex").slice(0, 12);
}
