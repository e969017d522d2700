// container-server.sh with a fake container engine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { platforms } from "../../platforms";
import { tarArchive } from "../../rendering/tarArchive";
import { root } from "../support/root";
import { FakeTools } from "../support/fakeTools";
import { freePort } from "../support/product";

function assertCall(calls: readonly string[], call: string): void {
  assert.ok(calls.includes(call), `Expected the call \`${call}\` among:\n${calls.join("\n")}`);
}

function assertNoCall(calls: readonly string[], pattern: RegExp): void {
  assert.ok(
    !calls.some((call) => pattern.test(call)),
    `Expected no call that matches ${pattern}:\n${calls.join("\n")}`,
  );
}

describe("container server", () => {
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
    { name: "root/.ssh/authorized_keys", mode: 0o600, text: "ssh-ed25519 AAAA\n" },
    { name: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: "key\n".repeat(200) },
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
      input: `${gzipSync(keys).toString("base64")}\n`,
      encoding: "utf8",
    });
    return { status, stderr, calls: tools.calls() };
  }

  it("an image that cannot be pulled is an error with the engine's output", async () => {
    tools.add("engine", 'case $1 in image) exit 1 ;; pull) echo "Error: no such host ($3)" >&2; exit 125 ;; esac');
    const { status, stderr, calls } = await up({ image: "centos:7" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: The image centos:7 is not on your computer and cannot be pulled\. Nothing was changed\.\n {4}.*no such host \(centos:7\)\n {4}.*\(docker\.io\/library\/centos:7\)\nFix: .*server\.image.*server\.rootFilesystem/,
    );
    assertNoCall(calls, /^engine (create|rm|kill)/);
  });

  it("a registry that does not answer is an error after a timeout", async () => {
    tools.add("engine", "case $1 in image) exit 1 ;; esac");
    tools.add("timeout", "exit 124"); // timeout(1): the command timed out
    const { status, stderr, calls } = await up({ image: "centos:7" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: The image centos:7 could not be pulled within 300 seconds, .* Nothing was changed\.\nFix: .*engine pull centos:7.*server\.image/,
    );
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("engine image")),
      ["timeout --foreground --kill-after=10 300 engine pull --quiet centos:7"],
    );
  });

  it("keys are copied through a pipe, so that a killed run leaves no file with a key", async () => {
    tools.add(
      "engine",
      `ls -A "$TMPDIR" >> "$FAKE/files"
      case $1 in cp) tar --extract --directory "$FAKE" --preserve-permissions; ls -A "$TMPDIR" >> "$FAKE/files" ;; start) exit 1 ;; esac`,
    );
    const { calls } = await up({ image: "localhost/mine:1" });
    assertCall(calls, "engine cp - server:/");
    const copied = (name: string) => readFileSync(join(tools.folder, name), "utf8");
    assert.equal(copied("root/.ssh/authorized_keys"), "ssh-ed25519 AAAA\n");
    assert.equal(copied("etc/ssh/ssh_host_ed25519_key"), "key\n".repeat(200));
    assert.equal(statSync(join(tools.folder, "etc/ssh/ssh_host_ed25519_key")).mode & 0o777, 0o600);
    assert.equal(copied("files"), "");
    assert.deepEqual(readdirSync(folder), []);
  });

  it("a local image is used without a request to a registry", async () => {
    tools.add("engine", 'case $1 in image) exit 0 ;; create) echo "$*" >&2; exit 1 ;; esac');
    const { calls } = await up({ image: "localhost/mine:1" });
    assertNoCall(calls, /^engine pull/);
    assert.match(calls.at(-1) ?? "", /^engine create --name server .*--systemd=always .*localhost\/mine:1$/);
  });

  it("an image whose systemd needs cgroup v1 is rejected on a computer without it", async () => {
    // A fake grep that finds nothing simulates a computer with cgroup v2 only, whatever the real one has.
    tools.add("grep", "exit 1");
    tools.add("engine", "case $1 in info) echo 'cgroupVersion: v2' ;; esac");
    const { status, stderr, calls } = await up({ image: "centos:7", needs_cgroup_v1: "true" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: Your computer has no cgroup v1 hierarchy for systemd, .* Nothing was changed\.\nFix: .*systemd\.unified_cgroup_hierarchy=0/,
    );
    assertNoCall(calls, /^engine (create|pull)/);
  });

  const invalid: [string, (path: string) => void][] = [
    [
      "an empty folder",
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      "a file that is not an archive",
      (path) => {
        writeFileSync(path, "not an archive");
      },
    ],
    [
      "an archive of other files",
      (path) => {
        writeFileSync(join(folder, "file"), "x");
        spawnSync("tar", ["-cf", path, "-C", folder, "file"]);
      },
    ],
  ];
  for (const [what, make] of invalid) {
    it(`a root file system is rejected if it is ${what}`, async () => {
      tools.add("engine");
      const path = join(folder, "root");
      make(path);
      const { status, stderr, calls } = await up({ root_filesystem: path });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^Error: The root file system \S+root is neither a folder nor a tar archive with etc\/os-release\. Nothing was changed\.\nFix: /,
      );
      assertNoCall(calls, /^engine (import|create)/);
    });
  }

  it("a root file system may be a folder or an archive", async () => {
    mkdirSync(join(folder, "root/etc"), { recursive: true });
    writeFileSync(join(folder, "root/etc/os-release"), "ID=x\n");
    spawnSync("tar", ["-czf", join(folder, "root.tar.gz"), "-C", join(folder, "root"), "."]);
    tools.add("engine", "case $1 in import) [[ $2 != - ]] || cat > /dev/null ;; create) exit 1 ;; esac");
    const fromFolder = await up({ root_filesystem: join(folder, "root") });
    assertCall(fromFolder.calls, "engine import - localhost/uwsgi-nginx-server:root-server");
    const archive = join(folder, "root.tar.gz");
    const fromArchive = await up({ root_filesystem: archive });
    assertCall(fromArchive.calls, `engine import ${archive} localhost/uwsgi-nginx-server:root-server`);
    assert.match(fromArchive.calls.at(-1) ?? "", /^engine create .* localhost\/uwsgi-nginx-server:root-server$/);
  });

  for (const [unit, isThere] of [
    ["ssh.service", 0],
    ["sshd.service", 1],
  ] as const) {
    it(`${unit} is started now and at every boot`, () => {
      tools.add("systemctl", `[[ $1 != cat ]] || exit ${isThere}`);
      const { code, calls } = tools.run(["scripts/set-up-container.sh"], "start_sshd");
      assert.equal(code, 0);
      assert.deepEqual(calls.slice(1), [`systemctl enable ${unit}`, `systemctl restart ${unit}`]);
    });
  }

  describe("CentOS 7", () => {
    /** Runs the first process with fake tools. */
    function boot(env: NodeJS.ProcessEnv) {
      const { command } = platforms.centos7.container;
      const [shell = "", ...args] = command.map((word) =>
        word.replaceAll("/run/cgroups", join(folder, "cgroups")).replace("/usr/lib/systemd/systemd", "systemd"),
      );
      return spawnSync(shell, args, { env: { PATH: `${tools.folder}:/usr/bin:/bin`, ...env }, encoding: "utf8" });
    }

    it("systemd 219 gets the variable that tells it to run in a container, if the engine does not set it", () => {
      tools.add("mount").add("systemd", 'printf %s "$container"');
      assert.equal(boot({}).stdout, "docker");
      assert.equal(boot({ container: "podman" }).stdout, "podman");
    });

    it("systemd 219 is not started if it would change the cgroups of your computer", () => {
      tools.add("mount", "exit 32").add("systemd");
      const { status, stderr } = boot({});
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^Error: The systemd of the image was not started, because \/proc\/cgroups cannot be hidden .*\.\nFix: /,
      );
      assertNoCall(tools.calls(), /^systemd/);
    });
  });
});
