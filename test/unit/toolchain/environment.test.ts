import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { environment, shellLines, tooOldMarker } from "../../../toolchain/engine/environment";
import { which } from "../../../toolchain/common/run";
import { root as checkout } from "../../support/root";
import { program, projectFolder, put, removeProjectFolders } from "./support";

describe("the environment of Pulumi", () => {
  afterEach(removeProjectFolders);

  it("keeps Pulumi's home, state and passphrase in the checkout", () => {
    const root = projectFolder();
    const env = environment(root, { PATH: "/usr/bin", LANG: "C" });
    assert.equal(env.PULUMI_HOME, join(root, ".local/pulumi-home"));
    assert.equal(env.PULUMI_BACKEND_URL, `file://${root.replaceAll(" ", "%20")}/.local/state?metadata=skip`);
    assert.equal(env.PULUMI_CONFIG_PASSPHRASE_FILE, join(root, ".local/passphrase"));
    assert.equal(env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, "true");
    assert.equal(env.LANG, "C");
  });

  it("does not use the user's PULUMI_HOME", () => {
    const root = projectFolder();
    assert.equal(environment(root, { PULUMI_HOME: "/elsewhere" }).PULUMI_HOME, join(root, ".local/pulumi-home"));
  });

  it("uses a passphrase that the user has set", () => {
    const root = projectFolder();
    assert.equal(environment(root, { PULUMI_CONFIG_PASSPHRASE: "" }).PULUMI_CONFIG_PASSPHRASE_FILE, undefined);
    assert.equal(environment(root, { PULUMI_CONFIG_PASSPHRASE_FILE: "/p" }).PULUMI_CONFIG_PASSPHRASE_FILE, "/p");
  });

  it("uses a backend that the user has set, with the user's login and without the project's passphrase", () => {
    const root = projectFolder();
    const env = environment(root, { PULUMI_BACKEND_URL: "s3://states" });
    assert.equal(env.PULUMI_BACKEND_URL, "s3://states");
    assert.equal(env.PULUMI_CONFIG_PASSPHRASE_FILE, undefined);
    assert.equal(env.PULUMI_CREDENTIALS_PATH, join(homedir(), ".pulumi"));
    assert.equal(env.PULUMI_DIY_BACKEND_GZIP, "true", "a bucket is written to after each step");
  });

  it("does not change if it is applied twice", () => {
    const root = projectFolder();
    const once = environment(root, { PATH: "/usr/bin:/bin" });
    assert.deepEqual(environment(root, once), once);
  });

  it("ignores the variables of another checkout", () => {
    const [root, other] = [projectFolder(), projectFolder()];
    const outer = { PATH: "/usr/bin" };
    assert.deepEqual(environment(root, environment(other, outer)), environment(root, outer));
  });

  it("puts the project's programs last on PATH", () => {
    const root = projectFolder();
    assert.equal(environment(root, { PATH: "/usr/bin:/bin" }).PATH, `/usr/bin:/bin:${root}/.local/bin`);
  });

  it("puts the project's programs first while the pulumi on PATH is too old", () => {
    const root = projectFolder();
    const old = program(join(root, "old/pulumi"));
    put(join(root, ".local/pulumi-too-old"), tooOldMarker(old));
    const PATH = `${join(root, "old")}:/usr/bin`;
    assert.equal(environment(root, { PATH }).PATH, `${root}/.local/bin:${PATH}`);
    put(join(root, ".local/pulumi-too-old"), `${old} 1\n`);
    assert.equal(environment(root, { PATH }).PATH, `${PATH}:${root}/.local/bin`);
  });

  describe("SSH_AUTH_SOCK", () => {
    const PATH = process.env.PATH;
    before(function () {
      if (!which("ssh-add", PATH)) this.skip();
    });

    it("removes SSH_AUTH_SOCK if its socket does not exist", () => {
      const root = projectFolder();
      const env = environment(root, { PATH, SSH_AUTH_SOCK: join(root, "nothing") });
      assert.equal("SSH_AUTH_SOCK" in env, false);
      assert.match(shellLines(root, { PATH, SSH_AUTH_SOCK: join(root, "nothing") }), /^unset SSH_AUTH_SOCK$/m);
    });

    it("removes SSH_AUTH_SOCK if its listener does not answer", async function () {
      this.timeout(5000);
      const root = projectFolder();
      const socket = join(root, "mute");
      const server = createServer().listen(socket);
      await new Promise((resolve) => server.once("listening", resolve));
      assert.equal("SSH_AUTH_SOCK" in environment(root, { PATH, SSH_AUTH_SOCK: socket }), false);
      await new Promise((resolve) => server.close(resolve));
    });

    it("keeps SSH_AUTH_SOCK if an agent answers", () => {
      const root = projectFolder();
      const socket = join(root, "agent");
      const pid = /SSH_AGENT_PID=(\d+)/.exec(
        execFileSync("ssh-agent", ["-s", "-a", socket], { encoding: "utf8" }),
      )?.[1];
      try {
        assert.ok(existsSync(socket), "ssh-agent must have made its socket");
        assert.equal(environment(root, { PATH, SSH_AUTH_SOCK: socket }).SSH_AUTH_SOCK, socket);
      } finally {
        process.kill(Number(pid));
      }
    });
  });

  it("prints lines for a shell", () => {
    const root = projectFolder();
    const outer = { PATH: "/usr/bin:/bin:/it's here" };
    const script = `${shellLines(root, outer)}\nprintf '%s' "$PULUMI_HOME|$PATH"`;
    const printed = execFileSync("/bin/sh", ["-c", script], { encoding: "utf8", env: {} });
    assert.equal(printed, `${root}/.local/pulumi-home|/usr/bin:/bin:/it's here:${root}/.local/bin`);
  });

  it("has a state folder and a passphrase once `npm run env` has printed it, so that `pulumi stack init` works", () => {
    const root = projectFolder();
    program(join(root, "programs/pulumi"), "echo v3.248.0");
    const script = `require("./toolchain/commands/env").env(${JSON.stringify(root)}, "local");`;
    const PATH = `${join(root, "programs")}:${process.env.PATH}`;
    const printed = execFileSync(process.execPath, ["--import=tsx", "-e", script], {
      ...{ cwd: checkout, env: { PATH, HOME: root }, stdio: ["ignore", "pipe", "ignore"] },
      encoding: "utf8",
    });
    assert.match(printed, /^export PULUMI_BACKEND_URL='file:/m);
    assert.equal(statSync(join(root, ".local/state")).mode & 0o777, 0o700);
    assert.ok(existsSync(join(root, ".local/passphrase")), "the passphrase must exist");
  });
});
