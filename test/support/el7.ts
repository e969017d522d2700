// The fake CentOS 7 (test/fakes/el7): an image with its name, its paths and yum, made once from Debian 11.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readContainers } from "./containers";
import { root } from "./root";

const run = promisify(execFile);
const recipe = join(root, "test/fakes/el7");
/** On the server itself. */
const mirror = "http://127.0.0.1:8000";

/** Settings of a server that is the fake: they name its own mirrors. */
export const el7Mirrors = { centos: [`${mirror}/centos`], epel: [`${mirror}/epel/7`] };

/** Mirrors that are not what they should be. */
export const badMirrors = {
  dead: "http://127.0.0.1:9/7.9.2009",
  forged: `${mirror}/forged/7.9.2009`,
  withoutHeaders: `${mirror}/no-headers/7.9.2009`,
};

/** Makes the image, if it is not there. Returns its name, or why it cannot be made here. */
export async function el7Image(): Promise<{ image: string } | { reason: string }> {
  const [engine] = (await readContainers()).command;
  const hash = createHash("sha256");
  for (const name of (await readdir(recipe)).sort()) hash.update(name).update(await readFile(join(recipe, name)));
  const image = `localhost/uwsgi-nginx-server:fake-el7-${hash.digest("hex").slice(0, 12)}`;
  if (await succeeds(engine, "image", "inspect", image)) return { image };
  if (process.getuid?.() !== 0 || !(await succeeds("apt-get", "--version"))) {
    return { reason: "the fake CentOS 7 is made with mmdebstrap, as root on Debian or Ubuntu" };
  }
  if (!(await succeeds("mmdebstrap", "--version")) || !(await succeeds("python3", "-m", "pip", "--version"))) {
    const tools = ["mmdebstrap", "debian-archive-keyring", "python3-pip"];
    await run("apt-get", ["update"], { maxBuffer: 1e8 });
    await run("apt-get", ["install", "--yes", "--no-install-recommends", ...tools], { maxBuffer: 1e8 });
  }
  const work = await mkdtemp(join(tmpdir(), "el7-"));
  try {
    const parts = join(work, "el7");
    await cp(recipe, parts, { recursive: true });
    await mkdir(join(parts, "pip"));
    // The pip of EPEL's package.
    const pip = ["pip==8.1.2", "--no-deps", "--only-binary", ":all:", "--python-version", "27"];
    await run("python3", ["-m", "pip", "download", ...pip, "--dest", join(parts, "pip")]);
    const packages = (await readFile(join(recipe, "packages"), "utf8")).trim().split("\n").join(",");
    const archive = join(work, "root.tar");
    await run(
      "mmdebstrap",
      [
        "--variant=apt",
        `--include=${packages}`,
        `--customize-hook=copy-in "${parts}" /root`,
        '--customize-hook=chroot "$1" bash /root/el7/setup.sh',
        "bullseye",
        archive,
      ],
      { maxBuffer: 1e8 },
    );
    await run(engine, ["import", archive, image], { maxBuffer: 1e8 });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return { image };
}

function succeeds(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}
