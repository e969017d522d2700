// container-server.sh before it makes a container: what it refuses, at once, with a double of the container engine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platforms } from "../../platforms";
import { tarArchive } from "../../rendering/tarArchive";
import { root } from "../support/engine";
import { FakeTools } from "../support/fakeTools";
import { freePort } from "../support/product";

describe("a container server", () => {
  let tools: FakeTools;
  let folder: string;
  beforeEach(() => {
    tools = new FakeTools();
    folder = mkdtempSync(join(tmpdir(), "root-"));
  });
  afterEach(() => {
    tools.remove();
    rmSync(folder, { recursive: true });
  });

  const keys = tarArchive([
    { path: "root/.ssh/authorized_keys", mode: 0o600, text: "ssh-ed25519 AAAA\n" },
    { path: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: "key\n".repeat(200) },
  ]);

  async function up(settings: Record<string, string>) {
    const ports = { ssh_port: String(await freePort()), http_port: String(await freePort()) };
    const words = Object.entries({
      stack: "test",
      name: "server",
      image: "",
      root_filesystem: "",
      ...ports,
      ...settings,
    });
    const args = [...words.map(([key, value]) => `${key}=${value}`), "engine", "--", "--systemd=always", "--"];
    const { status, stderr } = spawnSync("bash", [join(root, "assets/scripts/container-server.sh"), "up", ...args], {
      env: { ...process.env, PATH: `${tools.folder}:${process.env.PATH ?? ""}`, FAKE: tools.folder, TMPDIR: folder },
      input: `${keys.toString("base64")}\n`,
      encoding: "utf8",
    });
    return { status, stderr, calls: tools.calls() };
  }

  it("whose image cannot be pulled is refused at once, and says what the engine says", async () => {
    tools.add("engine", 'case $1 in image) exit 1 ;; pull) echo "Error: no such host ($3)" >&2; exit 125 ;; esac');
    const { status, stderr, calls } = await up({ image: "centos:7" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /no such host \(centos:7\)\n[^]*\(docker\.io\/library\/centos:7\)\nError: the image centos:7 is not here and cannot be pulled; .*nothing was touched\n.*server\.image.*server\.rootFilesystem/,
    );
    assert.ok(!calls.some((call) => /^engine (create|rm|kill)/.test(call)), calls.join("\n"));
  });

  it("whose registry does not answer is refused in the end", async () => {
    tools.add("engine", "case $1 in image) exit 1 ;; esac");
    tools.add("timeout", "exit 124"); // timeout(1): it was up
    const { status, stderr, calls } = await up({ image: "centos:7" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: the image centos:7 could not be pulled within 300 seconds: .*nothing was touched\n.*engine pull centos:7.*server\.image/,
    );
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("engine image")),
      ["timeout --foreground --kill-after=10 300 engine pull --quiet centos:7"],
    );
  });

  it("gets its keys by a pipe: whenever it is killed, no file with a key is left", async () => {
    tools.add(
      "engine",
      `ls -A "$TMPDIR" >> "$FAKE/files"
      case $1 in cp) tar --extract --directory "$FAKE" --preserve-permissions; ls -A "$TMPDIR" >> "$FAKE/files" ;; start) exit 1 ;; esac`,
    );
    const { calls } = await up({ image: "localhost/mine:1" });
    assert.ok(calls.includes("engine cp - server:/"), calls.join("\n"));
    const copied = (name: string) => readFileSync(join(tools.folder, name), "utf8");
    assert.equal(copied("root/.ssh/authorized_keys"), "ssh-ed25519 AAAA\n");
    assert.equal(copied("etc/ssh/ssh_host_ed25519_key"), "key\n".repeat(200));
    assert.equal(statSync(join(tools.folder, "etc/ssh/ssh_host_ed25519_key")).mode & 0o777, 0o600);
    assert.equal(copied("files"), "");
    assert.deepEqual(readdirSync(folder), []);
  });

  it("whose image is there is made without asking a registry", async () => {
    tools.add("engine", 'case $1 in image) exit 0 ;; create) echo "$*" >&2; exit 1 ;; esac');
    const { calls } = await up({ image: "localhost/mine:1" });
    assert.ok(!calls.some((call) => call.startsWith("engine pull")));
    assert.match(calls.at(-1) ?? "", /^engine create --name server .*--systemd=always .*localhost\/mine:1$/);
  });

  it("whose systemd needs cgroup v1 is refused at once on a machine without", async () => {
    // The machine's own mounts are whatever they are: a grep that finds none stands for a machine with cgroup v2 alone.
    tools.add("grep", "exit 1");
    tools.add("engine", "case $1 in info) echo 'cgroupVersion: v2' ;; esac");
    const { status, stderr, calls } = await up({ image: "centos:7", needs_cgroup_v1: "true" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: this machine has no cgroup v1 hierarchy of systemd's, .*nothing was touched\n.*systemd\.unified_cgroup_hierarchy=0/,
    );
    assert.ok(!calls.some((call) => /^engine (create|pull)/.test(call)), calls.join("\n"));
  });

  const notOne: [string, (path: string) => void][] = [
    [
      "an empty folder",
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      "a file that is no archive",
      (path) => {
        writeFileSync(path, "no archive");
      },
    ],
    [
      "an archive of something else",
      (path) => {
        writeFileSync(join(folder, "file"), "x");
        spawnSync("tar", ["-cf", path, "-C", folder, "file"]);
      },
    ],
  ];
  for (const [what, make] of notOne) {
    it(`whose root file system is ${what} is refused at once`, async () => {
      tools.add("engine");
      const path = join(folder, "root");
      make(path);
      const { status, stderr, calls } = await up({ root_filesystem: path });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^Error: \S+root is no root file system: neither a folder nor a tar archive with etc\/os-release/,
      );
      assert.ok(!calls.some((call) => /^engine (import|create)/.test(call)), calls.join("\n"));
    });
  }

  it("is made from a folder as well as from an archive of it", async () => {
    mkdirSync(join(folder, "root/etc"), { recursive: true });
    writeFileSync(join(folder, "root/etc/os-release"), "ID=x\n");
    spawnSync("tar", ["-czf", join(folder, "root.tar.gz"), "-C", join(folder, "root"), "."]);
    tools.add("engine", "case $1 in import) [[ $2 != - ]] || cat > /dev/null ;; create) exit 1 ;; esac");
    const fromFolder = await up({ root_filesystem: join(folder, "root") });
    assert.ok(fromFolder.calls.includes("engine import - localhost/uwsgi-nginx-server:root-server"), fromFolder.stderr);
    const archive = join(folder, "root.tar.gz");
    const fromArchive = await up({ root_filesystem: archive });
    assert.ok(fromArchive.calls.includes(`engine import ${archive} localhost/uwsgi-nginx-server:root-server`));
    assert.match(fromArchive.calls.at(-1) ?? "", /^engine create .* localhost\/uwsgi-nginx-server:root-server$/);
  });

  for (const [unit, isThere] of [
    ["ssh.service", 0],
    ["sshd.service", 1],
  ] as const) {
    it(`starts ${unit} at every boot, for an image may have it without that`, () => {
      tools.add("systemctl", `[[ $1 != cat ]] || exit ${isThere}`);
      const { code, calls } = tools.run(["set-up-container.sh"], "start_sshd");
      assert.equal(code, 0);
      assert.deepEqual(calls.slice(1), [`systemctl enable ${unit}`, `systemctl restart ${unit}`]);
    });
  }

  describe("of CentOS 7", () => {
    /** Its first process, with doubles of what it does to the container. */
    function boot(env: NodeJS.ProcessEnv) {
      const { command } = platforms.centos7.container;
      const [shell = "", ...args] = command.map((word) =>
        word.replaceAll("/run/cgroups", join(folder, "cgroups")).replace("/usr/lib/systemd/systemd", "systemd"),
      );
      return spawnSync(shell, args, { env: { PATH: `${tools.folder}:/usr/bin:/bin`, ...env }, encoding: "utf8" });
    }

    it("tells systemd 219 that it is in a container, where the engine does not", () => {
      tools.add("mount").add("systemd", 'printf %s "$container"');
      assert.equal(boot({}).stdout, "docker");
      assert.equal(boot({ container: "podman" }).stdout, "podman");
    });

    it("never starts a systemd that would use the cgroups of the machine", () => {
      tools.add("mount", "exit 32").add("systemd");
      const { status, stderr } = boot({});
      assert.equal(status, 1);
      assert.match(stderr, /Error: systemd is not started, for .* \/proc\/cgroups cannot be covered/);
      assert.ok(!tools.calls().some((call) => call.startsWith("systemd")));
    });
  });
});
