// The first thing that is done on a server on AWS, with doubles of cloud-init and sudo.
import assert from "node:assert/strict";
import { inlineScript } from "../../rendering/assets";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";

describe("the wait for a server's first boot", () => {
  let tools: FakeTools;
  const wait = () =>
    tools.run(["wait-for-boot.sh"], `main timeout=5 check_sudo=${quote(inlineScript("check-sudo.sh"))}`);
  beforeEach(() => {
    tools = new FakeTools().add("cloud-init").add("sudo");
  });
  afterEach(() => {
    tools.remove();
  });

  it("ends when cloud-init has ended and its user can become root, and not before", () => {
    const { code, calls } = wait();
    assert.equal(code, 0);
    assert.deepEqual(calls, ["cloud-init status --wait", "sudo -k -n true"]);
  });

  it("also where cloud-init has recovered from what went wrong", () => {
    tools.add("cloud-init", "exit 2");
    assert.equal(wait().code, 0);
  });

  it("says what to do where sudo wants a terminal, as on old images", () => {
    tools.add("sudo", "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1");
    const { code, stderr } = wait();
    assert.equal(code, 1);
    assert.match(stderr, /Error: sudo on this server wants a terminal \(requiretty\); nothing was changed\n.*visudo/);
  });

  it("says what to do where cloud-init has failed, without a look at sudo", () => {
    tools.add("cloud-init", "[ $2 = --wait ] && exit 1; echo 'status: error'");
    const { code, stderr, calls } = wait();
    assert.equal(code, 1);
    assert.match(stderr, /status: error\n[^]*Error: cloud-init has failed; .*\n.*server\.amiId/);
    assert.ok(!calls.join().includes("sudo"));
  });

  it("says what to do where there is none", () => {
    const { code, stderr } = tools.run(["wait-for-boot.sh"], `command() { return 1; }; main timeout=5 check_sudo=true`);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: there is no cloud-init on this server; nothing was changed\n.*server\.amiId/);
  });
});
