// The first step on a server on AWS, with a fake cloud-init and a fake sudo.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inlineScript } from "../../rendering/assets";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";

describe("first boot of a server", () => {
  let tools: FakeTools;
  const wait = (notice = "/nowhere") =>
    tools.run(
      ["scripts/parameters.sh", "scripts/wait-for-boot.sh"],
      `main timeout=5 notice=${notice} check_sudo=${quote(inlineScript("check-sudo.sh"))}`,
    );
  beforeEach(() => {
    tools = new FakeTools().add("cloud-init").add("sudo");
  });
  afterEach(() => {
    tools.remove();
  });

  it("the first step waits for cloud-init, then checks sudo", () => {
    const { code, calls } = wait();
    assert.equal(code, 0);
    assert.deepEqual(calls, ["cloud-init status --wait", "sudo -k -n true"]);
  });

  it("the first step accepts a cloud-init that has recovered from errors", () => {
    tools.add("cloud-init", "exit 2");
    assert.equal(wait().code, 0);
  });

  it("the first step shows what the first boot has to say", () => {
    const notice = join(tools.folder, "notice");
    assert.equal(wait(notice).stderr, "waiting for cloud-init (at most 5 seconds)\n");
    writeFileSync(notice, "Warning: The SSM agent was not installed.\n");
    const { code, stderr } = wait(notice);
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: The SSM agent was not installed\.$/m);
  });

  it("a sudo that requires a terminal is an error with a fix", () => {
    tools.add("sudo", "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1");
    const { code, stderr } = wait();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The server's sudo requires a terminal \(requiretty\)\. Nothing was changed\.\nFix: .*visudo/m,
    );
  });

  it("a failed cloud-init is an error with a fix, and sudo is not checked", () => {
    tools.add("cloud-init", "[ $2 = --wait ] && exit 1; echo 'status: error'");
    const { code, stderr, calls } = wait();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The first boot failed \(cloud-init\)\.\n {4}status: error\n[^]*^Fix: .*server\.amiId/m,
    );
    assert.doesNotMatch(calls.join("\n"), /sudo/);
  });

  it("an image without cloud-init is an error with a fix", () => {
    const { code, stderr } = tools.run(
      ["scripts/parameters.sh", "scripts/wait-for-boot.sh"],
      `command() { return 1; }; main timeout=5 check_sudo=true`,
    );
    assert.equal(code, 1);
    assert.match(stderr, /^Error: The server's image has no cloud-init\. Nothing was changed\.\nFix: .*server\.amiId/m);
  });
});
