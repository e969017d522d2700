// packages-apt.sh with fakes of Debian's tools.
import assert from "node:assert/strict";
import { FakeTools, type Outcome } from "../support/fakeTools";

describe("packages with apt", () => {
  let tools: FakeTools;
  /** Packages that apt-get installs, whatever it is asked for. */
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

  it("apt installs only missing packages, after completing an interrupted installation", () => {
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

  const busy: [string, string][] = [
    ["dpkg", "dpkg: error: dpkg frontend lock was locked by another process with pid 1"],
    ["apt-get", "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (unattended-upgr)"],
  ];
  for (const [tool, message] of busy) {
    it(`waits for whoever holds the lock that ${tool} needs, and says for whom`, () => {
      apt(["gcc"]);
      tools.add(
        tool,
        `if [[ ! -e $FAKE/waited ]]; then touch "$FAKE/waited"; echo '${message}' >&2; exit 100; fi
         [[ $1 != install ]] || echo gcc >> "$FAKE/installed"`,
      );
      tools.add("sleep");
      const { code, stderr, calls } = install("gcc");
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^packages: waiting for process 1 \(.*\)$/m);
      assert.ok(calls.includes("sleep 5"), `it should pause before it tries again, and called ${calls.join(", ")}`);
    });
  }

  it("gives up after five minutes, and says who still holds the lock", () => {
    tools.add("dpkg", `echo '${busy[0]?.[1]}' >&2; exit 2`).add("sleep");
    const { code, stderr, calls } = install("gcc");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: Another program has been using apt on this server for 300 seconds: process 1 \(.*\)\.\nFix: wait until it ends/m,
    );
    assert.equal(calls.filter((call) => call === "sleep 5").length, 59);
  });

  it("apt-get is not called if all packages are installed", () => {
    apt(["gcc"]);
    install("gcc");
    assert.deepEqual(
      install("gcc").calls.filter((call) => call.startsWith("apt-get")),
      [],
    );
  });

  it("a package that does not exist is reported before any package is installed", () => {
    const { code, stderr, calls } = install("gcc", "nothing");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The package nothing does not exist\.\nFix: correct the name in apps\.APP\.packages /m,
    );
    assert.deepEqual(
      calls.filter((call) => call.startsWith("apt-get install")),
      [],
    );
  });

  it("a package that is missing after apt-get's exit code 0 is reported", () => {
    apt(["gcc"]);
    const { code, stderr } = install("gcc", "nginx");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The command apt-get reported success, but these packages are not installed: nginx\.\nFix: /m,
    );
  });
});
