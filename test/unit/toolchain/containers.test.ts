import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cleanContainers, prepareContainers } from "../../../toolchain/containers.mjs";
import { program, projectFolder, removeProjectFolders } from "./support";

// Only what lies in a folder of the test's own is on PATH: no real container engine is ever asked.
describe("containers", () => {
  const { getuid } = process;
  const path = process.env.PATH;
  let root: string;
  let bin: string;
  let log: string;
  const prepare = (cache = join(root, "cache")) =>
    prepareContainers({ root, cache, step: async (_title, work) => work() });
  const logged = () => (existsSync(log) ? readFileSync(log, "utf8") : "");

  beforeEach(() => {
    root = projectFolder();
    [bin, log] = [join(root, "bin"), join(root, "log")];
    cpSync(resolve(__dirname, "../../../assets/images"), join(root, "assets/images"), { recursive: true });
    process.env.PATH = bin;
  });
  afterEach(() => {
    process.env.PATH = path;
    process.getuid = getuid;
    removeProjectFolders();
  });

  it("no engine that works, and not root: says the command to run", async () => {
    program(join(bin, "podman"), "exit 125");
    program(join(bin, "apt-get"), `echo "$@" >> '${log}'`);
    process.getuid = () => 1000;
    await assert.rejects(
      prepare(),
      /^UserError: No container engine works here: neither `podman info` nor `docker info`.*\n.*On Debian or Ubuntu: sudo apt-get install --yes podman /,
    );
    assert.equal(logged(), "");
  });

  it("no engine, root, but no apt-get: says what to install", async () => {
    process.getuid = () => 0;
    await assert.rejects(prepare(), /^UserError: No container engine works here/);
  });

  it("no disk space for the image: says where, how much, and builds nothing", async function () {
    const cache = join(root, "cache");
    mkdirSync(cache);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", cache], { env: { PATH: path }, stdio: "pipe" });
    } catch (error) {
      console.log(`      skipped: a small file system cannot be mounted here (${String(error).split("\n").at(-1)})`);
      this.skip();
    }
    try {
      program(join(bin, "podman"), `case $1 in info) echo / ;; *) echo "$@" >> '${log}'; exit 1 ;; esac`);
      await assert.rejects(prepare(cache), (error: Error) => {
        assert.equal(error.name, "UserError");
        assert.match(
          error.message,
          /^Not enough disk space .*cache has 8 MB left, 1200 MB are needed\.\n.*XDG_CACHE_HOME/,
        );
        return true;
      });
      assert.match(logged(), /^image inspect \S+\n$/);
      assert.ok(!existsSync(join(root, ".local/containers.json")));
    } finally {
      execFileSync("umount", [cache], { env: { PATH: path } });
    }
  });

  it("clean removes images by name, and not by force what another checkout's server runs from", async () => {
    const images = ["localhost/uwsgi-nginx-host:old", "localhost/uwsgi-nginx-host:used"];
    program(
      join(bin, "podman"),
      `case "$1 $2" in 'images --format') printf '%s\\n' ${images.join(" ")} ;; 'rmi ${images[1]}') exit 2 ;; esac\necho "$@" >> '${log}'`,
    );
    assert.deepEqual(await cleanContainers(), [images[1]]);
    assert.match(logged(), /^info\nimages .*\nrmi localhost\/uwsgi-nginx-host:old\n$/);
  });
});
