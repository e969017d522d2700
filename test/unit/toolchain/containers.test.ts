import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { removeImages } from "../../../toolchain/containers/image";
import { prepareContainers } from "../../../toolchain/containers/prepare";
import { removeContainers, startContainers } from "../../../toolchain/containers/stackContainers";
import { waitFor } from "../../support/waitFor";
import { program, projectFolder, put, removeProjectFolders } from "./support";

// Only what lies in a folder of the test's own is on PATH: no real container engine is ever asked.
describe("containers", () => {
  const { getuid } = process;
  const path = process.env.PATH;
  let root: string;
  let bin: string;
  let log: string;
  let steps: string[];
  const prepare = (cache = join(root, "cache")) =>
    prepareContainers(root, { root, cache, step: async (title, work) => (steps.push(title), work()) });
  const logged = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
  const prepared = () => JSON.parse(readFileSync(join(root, ".local/containers.json"), "utf8")) as unknown;
  /** A program that notes how it is called, and then does this. */
  const tool = (name: string, script = "") =>
    program(join(bin, name), `echo "${name} $*" >> '${log}'; cd '${root}'\n${script}`);

  /** A process of its own prepares, and gets the signal that Ctrl-C sends once the file is there. */
  async function interruptAt(file: string) {
    const script = `
      process.getuid = () => 0;
      const { prepareContainers } = require(${JSON.stringify(resolve(__dirname, "../../../toolchain/containers/prepare"))});
      const options = { ...${JSON.stringify({ root, cache: join(root, "cache") })}, step: (title, work) => work() };
      prepareContainers(options.root, options).catch((error) => process.stdout.write(String(error)));`;
    const child = spawn(process.execPath, ["--import=tsx", "-e", script], {
      cwd: resolve(__dirname, "../../.."),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (data: string) => (output += data));
    const ended = new Promise((done) => child.once("close", done));
    await waitFor(`${file}; it ended with ${output}`, () => existsSync(join(root, file)) || child.exitCode !== null);
    child.kill("SIGINT");
    await ended;
    return output;
  }

  beforeEach(() => {
    root = projectFolder();
    [bin, log, steps] = [join(root, "bin"), join(root, "log"), []];
    cpSync(resolve(__dirname, "../../../assets/images"), join(root, "assets/images"), { recursive: true });
    process.env.PATH = bin;
  });
  afterEach(() => {
    process.env.PATH = path;
    process.getuid = getuid;
    removeProjectFolders();
  });

  it("names the command that installs a container engine if none works and the user is not root", async () => {
    program(join(bin, "podman"), "exit 125");
    program(join(bin, "apt-get"), `echo "$@" >> '${log}'`);
    process.getuid = () => 1000;
    await assert.rejects(
      prepare(),
      /^UserError: No container engine works here: neither `podman info` nor `docker info`.*\nFix: .*On Debian or Ubuntu, run: sudo apt-get install --yes --no-install-recommends podman /,
    );
    assert.equal(logged(), "");
  });

  it("names what to install if no container engine works and there is no apt-get", async () => {
    process.getuid = () => 0;
    await assert.rejects(prepare(), /^UserError: No container engine works here: /);
  });

  /** apt-get that installs an engine; with a file `hang` it takes long, and with `fail` it fails. */
  function aptGet() {
    process.getuid = () => 0;
    program(join(root, "podman"), "exit 0");
    tool("dpkg");
    tool(
      "apt-get",
      `[ ! -e fail ] || { echo 'E: Unable to locate package' >&2; exit 100; }
      [ ! -e "hang-$1" ] || { trap '/bin/sleep 2.5; echo whole >> log; exit 1' INT; echo > begun; while :; do /bin/sleep 0.1; done; }
      [ "$1" != install ] || /bin/mv podman bin/`,
    );
  }
  const installation = [
    "dpkg --configure -a --force-confold",
    "apt-get update",
    /^apt-get install --yes --no-install-recommends podman runc .* -o Dpkg::Options::=--force-confold$/,
  ];
  function assertInstallation(calls: string[]) {
    assert.equal(calls.length, installation.length, calls.join("\n"));
    for (const [index, call] of calls.entries()) assert.match(call, new RegExp(installation[index] ?? ""));
  }

  it("installs podman as root, after configuring the packages of an interrupted apt-get", async () => {
    aptGet();
    const { command } = await prepare();
    assert.deepEqual(command, ["podman"]);
    assertInstallation(logged().trim().split("\n"));
    assert.match(steps.join("\n"), /^container engine \(apt-get install podman .*\)$/);
  });

  it("reports the output of an apt-get that fails", async () => {
    aptGet();
    put(join(root, "fail"), "");
    await assert.rejects(
      prepare(),
      /^UserError: The command 'apt-get update' failed \(exit code 100\)\.\n +E: Unable to locate/,
    );
  });

  it("lets an interrupted apt-get finish, and the next command continues from there", async function () {
    this.timeout(30_000);
    aptGet();
    put(join(root, "hang-install"), "");
    assert.match(
      await interruptAt("begun"),
      /^Interrupted: Interrupted\.\nFix: run the same command again to continue/,
    );
    assert.match(logged(), /^whole$/m, "it was not killed in the middle of its work");
    execFileSync("/bin/rm", [join(root, "hang-install"), log]);
    await prepare();
    assertInstallation(logged().trim().split("\n"));
  });

  it("shows the steps of building the image and the output of the one that fails", async () => {
    tool("podman", `case $1 in info) echo / ;; image) exit 1 ;; build) echo 'no such file' >&2; exit 125 ;; esac`);
    await assert.rejects(
      prepare(),
      /^UserError: The command 'podman build .*' failed \(exit code 125\)\.\n +no such file\n/,
    );
    assert.deepEqual(steps, [
      "image docker.io/library/debian:12",
      "image of the server (Debian 12 with systemd and sshd)",
    ]);
  });

  it("leaves no archive of an image whose build was interrupted or killed", async () => {
    tool("podman", 'case $1 in info) echo / ;; image|pull) exit 1 ;; import) /bin/cp "$4" imported ;; esac');
    tool(
      "mmdebstrap",
      '[ "$1" = --version ] || { for last; do :; done; echo image > "$last"; echo > begun; }; . ./then',
    );
    put(join(root, "then"), '[ "$1" = --version ] || exec /bin/sleep 60');
    const killed = put(join(root, "cache/debian12-999999999.tar"), "");
    assert.match(await interruptAt("begun"), /^Interrupted/);
    assert.deepEqual(readdirSync(join(root, "cache")), []);
    assert.ok(!existsSync(killed), "the unfinished root file system of a killed run must be removed");
    put(join(root, "then"), "");
    await prepare();
    assert.equal(readFileSync(join(root, "imported"), "utf8"), "image\n");
    assert.deepEqual(readdirSync(join(root, "cache")), []);
  });

  it("runs the image's script in a checkout whose path a shell would read otherwise", async () => {
    root = join(root, `it's "$(touch forged)" \`touch forged\``);
    cpSync(resolve(__dirname, "../../../assets/images"), join(root, "assets/images"), { recursive: true });
    const hook = 'for it; do case $it in --customize-hook=*) /bin/sh -c "${it#*=}" hook /target ;; esac; done';
    program(join(bin, "mmdebstrap"), `[ "$1" = --version ] || { ${hook}; }`);
    program(join(bin, "bash"), `/usr/bin/printf '%s\n' "$@" > '${log}'`);
    program(join(bin, "podman"), "case $1 in info) echo / ;; image|pull) exit 1 ;; esac");
    await prepare();
    assert.equal(logged(), `${join(root, "assets/images/debian12/setup.sh")}\n/target\n`);
  });

  it("gives a Docker container what systemd needs, even if the storage is in a virtual machine", async () => {
    tool("docker", "case $1 in info) echo /nowhere/on/this/machine ;; image) exit 1 ;; esac");
    const { image } = await prepare();
    assert.match(logged(), /^docker build --tag localhost\/uwsgi-nginx-server:debian12-/m);
    assert.deepEqual(prepared(), {
      command: ["docker"],
      runOptions: [
        ...["--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs=/run", "--tmpfs=/run/lock"],
        ...["--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--env=container=docker"],
      ],
      image,
    });
  });

  it("reports where disk space for the image is missing, and builds nothing", async function () {
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
          /^Not enough disk space .*cache has 8 MB left, and 1200 MB are needed\. Nothing was changed\.\nFix: .*XDG_CACHE_HOME/,
        );
        return true;
      });
      assert.match(logged(), /^image inspect \S+\n$/);
      assert.ok(!existsSync(join(root, ".local/containers.json")), "no engine must be recorded that was refused");
    } finally {
      execFileSync("umount", [cache], { env: { PATH: path } });
    }
  });

  it("reports a container engine that is missing or fails without a stack trace", async () => {
    put(join(root, ".local/containers.json"), JSON.stringify({ command: ["docker"], runOptions: [], image: "x" }));
    await assert.rejects(
      removeContainers(root, "local"),
      /^UserError: The container engine docker, which runs this checkout's containers, is not on PATH/,
    );
    tool("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    await assert.rejects(
      removeContainers(root, "local"),
      /^UserError: The command 'docker ps .*' failed .*\.\n {4}Cannot connect to the/,
    );
  });

  it("starts a stack's stopped containers, in whatever words the engine says that they are", async () => {
    put(join(root, ".local/containers.json"), JSON.stringify({ command: ["engine"], runOptions: [], image: "x" }));
    const states = ["a exited", "b running", "c Exited (0) 5 seconds ago", "d Up 2 hours", "e created", "f Created"];
    tool("engine", `case $1 in ps) printf '%s\\n' ${states.map((state) => `'${state}'`).join(" ")} ;; esac`);
    assert.deepEqual(await startContainers(root, "local"), ["a", "b", "c", "d", "e", "f"]);
    assert.match(logged(), /^engine ps .*\nengine start a c e f\n$/);
  });

  it("removes images by name, but not those that containers of another checkout use", async () => {
    const images = ["localhost/uwsgi-nginx-server:old", "localhost/uwsgi-nginx-server:used"];
    program(
      join(bin, "podman"),
      `case "$1 $2" in 'images --format') printf '%s\\n' ${images.join(" ")} ;; 'rmi ${images[1]}') exit 2 ;; esac\necho "$@" >> '${log}'`,
    );
    assert.deepEqual(await removeImages(), [images[1]]);
    assert.match(logged(), /^info\nimages .*\nrmi localhost\/uwsgi-nginx-server:old\n$/);
  });
});
