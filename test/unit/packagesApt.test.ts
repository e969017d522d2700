// packages-apt.sh against doubles of Debian's tools.
import assert from "node:assert/strict";
import { FakeTools, type Outcome } from "../support/fakeTools";

describe("packages with apt", () => {
  let tools: FakeTools;
  /** apt-get installs these of the names that it is given. */
  function apt(installs: readonly string[]): void {
    tools.add("apt-get", `[[ $1 != install ]] || printf '%s\\n' ${installs.join(" ")} >> "$FAKE/installed"`);
  }
  const install = (...names: string[]): Outcome =>
    tools.run(["packages-apt.sh"], `package_config_file=/nonexistent\ninstall_packages ${names.join(" ")}`);

  beforeEach(() => {
    tools = new FakeTools()
      .add("dpkg")
      .add("apt-cache", "[[ $2 != nothing ]]")
      .add("dpkg-query", 'grep --quiet --line-regexp "${!#}" "$FAKE/installed" 2> /dev/null && printf installed');
  });
  afterEach(() => {
    tools.remove();
  });

  it("asks for what is missing only, after mending what an interrupted run left", () => {
    apt(["gcc"]);
    assert.equal(install("gcc").code, 0);
    apt(["nginx"]);
    const { code, calls } = install("gcc", "nginx");
    assert.equal(code, 0);
    const changing = calls.filter((call) => /^(dpkg|apt-get) /.test(call)).map((call) => call.replace(/ -o \S+/g, ""));
    assert.deepEqual(changing, [
      "dpkg --configure -a --force-confold",
      "apt-get update --quiet",
      "apt-get install --yes --quiet --no-install-recommends nginx",
    ]);
  });

  it("calls no apt-get when everything is there", () => {
    apt(["gcc"]);
    install("gcc");
    assert.deepEqual(
      install("gcc").calls.filter((call) => call.startsWith("apt-get")),
      [],
    );
  });

  it("says which names it does not know, before anything is installed", () => {
    const { code, stderr, calls } = install("gcc", "nothing");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: there is no such package: nothing$/m);
    assert.ok(!calls.some((call) => call.startsWith("apt-get install")));
  });

  it("does not believe apt-get's exit code 0", () => {
    apt(["gcc"]);
    const { code, stderr } = install("gcc", "nginx");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: apt-get reported success, yet these packages are not installed: nginx$/m);
  });
});
