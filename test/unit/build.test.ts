// Builds of downloaded code (assets/toolkit/build.sh), with fakes of the tools that need a server: how they are called, what
// they are given, and how what they have made becomes root's.
import assert from "node:assert/strict";
import { chmodSync, existsSync, linkSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { FakeTools } from "../support/fakeTools";

describe("a build", () => {
  let tools: FakeTools;
  const run = (commands: string, env: Readonly<Record<string, string>> = {}) =>
    tools.run(
      ["claim.sh", "users.sh", "apps.sh", "build.sh"],
      `state_folder=$FAKE/state builds_folder=$FAKE/state/builds cache_folder=$FAKE/cache; mkdir -p "$state_folder"
       ${commands}`,
      env,
    );
  const folder = (path: string) => join(tools.folder, "state/builds", path);

  beforeEach(() => {
    tools = new FakeTools()
      .add("getent", 'cat "$FAKE/users/$2" 2> /dev/null || exit 2')
      .add(
        "useradd",
        'mkdir -p "$FAKE/users"; echo "${!#}:x:990:990:${*: -2:1}:/nonexistent:/sbin/nologin" > "$FAKE/users/${!#}"',
      )
      .add("userdel", 'rm "$FAKE/users/$1"')
      .add("pkill", "exit 1")
      .add("ipcrm")
      // As root would: without changing owners.
      .add(
        "install",
        'args=(); while (($#)); do case $1 in -o | -g) shift ;; *) args+=("$1") ;; esac; shift; done; exec /usr/bin/install "${args[@]}"',
      )
      .add("runuser", 'while [[ $1 != -- ]]; do shift; done; shift; exec "$@"')
      // Runs the command of the unit, and nothing of the caller's environment.
      .add(
        "systemctl",
        `case $1 in
         start)
           env -i /bin/bash "$FAKE/state/builds/hello/command"
           [[ ! -e $FAKE/ended ]] || { : > "$FAKE/state/builds/hello/code"; echo "Job for $2 failed." >&2; exit 1; } ;;
         esac`,
      );
  });
  afterEach(() => {
    tools.remove();
  });

  it("runs as a user of its own in its unit, and gets every word and the settings of pip as they are", () => {
    const words = ["two words", "", `"it's" $(reboot) \`reboot\` \\ %s`, "Grüße", "*"];
    writeFileSync(
      join(tools.folder, "print"),
      `#!/bin/bash\nprintf '[%s]\\n' "$@" "$PIP_INDEX_URL" "$https_proxy" "\${SECRET-none}" "$HOME"\n`,
    );
    chmodSync(join(tools.folder, "print"), 0o755);
    const { code, stdout, stderr, calls } = run(
      `words=(${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")})
       begin_build hello; in_unit "$FAKE/print" "\${words[@]}"; end_build hello`,
      { PIP_INDEX_URL: "https://user:pass$word@i.org/simple", https_proxy: "http://p:1", SECRET: "root's" },
    );
    assert.equal(code, 0, stderr);
    const printed = [...words, "https://user:pass$word@i.org/simple", "http://p:1", "none", folder("hello/work")];
    assert.equal(stdout, printed.map((word) => `[${word}]\n`).join(""));
    assert.ok(!existsSync(folder("hello")), "the build should leave nothing");
    const made = calls.filter((call) => /^(useradd|systemctl|pkill)/.test(call));
    assert.deepEqual(made, [
      "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /sbin/nologin --comment uwsgi-nginx build hello _hello",
      "systemctl start uwsgi-build@hello.service",
      "systemctl stop uwsgi-build@hello.service",
      "systemctl reset-failed uwsgi-build@hello.service",
      "pkill -KILL -U _hello",
    ]);
    assert.ok(!calls.join("\n").includes("pass$word"), "a password must not be an argument");
  });

  it("that fails shows its output, and why systemd has ended it if it did not end by itself", () => {
    const fails = () => run(`begin_build hello; build "Testing" bash -c 'echo one; echo two >&2; exit 3'`);
    const { code, stderr } = fails();
    assert.equal(code, 1);
    assert.match(stderr, /^Error: Testing failed\.\n {4}one\n {4}two\n {4}\(command: bash -c [^]*^Fix: /m);
    writeFileSync(join(tools.folder, "ended"), "");
    assert.match(fails().stderr, /\n {4}two\n {4}Job for uwsgi-build@hello\.service failed\.\n/);
  });

  it("that was interrupted is ended before the next one, and with the app", () => {
    run("begin_build hello");
    writeFileSync(folder("hello/work/left"), "");
    const again = run("begin_build hello").calls.filter((call) => /^(useradd|systemctl|pkill)/.test(call));
    assert.deepEqual(again, [
      "systemctl stop uwsgi-build@hello.service",
      "systemctl reset-failed uwsgi-build@hello.service",
      "pkill -KILL -U _hello",
    ]);
    assert.ok(!existsSync(folder("hello/work/left")), "the second build should begin anew");
    mkdirSync(join(tools.folder, "cache/hello"), { recursive: true });
    // Not on this computer.
    for (const name of ["find", "iptables", "ip6tables"]) tools.add(name, "true");
    tools.add("id", "echo 990");
    const { calls } = run("remove_build_user hello");
    assert.ok(calls.includes("userdel _hello"), calls.join("\n"));
    const traces = "find /tmp /var/tmp /dev/shm /dev/mqueue /run/lock /var/spool/cron -xdev -uid 990 -delete";
    assert.ok(calls.includes(traces), calls.join("\n"));
    assert.ok(!existsSync(join(tools.folder, "cache/hello")), "the cache should be removed");
  });

  it("does not use a user of that name that was not made for it, nor removes it", () => {
    mkdirSync(join(tools.folder, "users"));
    writeFileSync(join(tools.folder, "users/_hello"), "_hello:x:1000:1000:somebody:/home/hello:/bin/sh\n");
    const { code, stderr } = run("begin_build hello");
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "Error: The server already has a user _hello, and builds need one of that name.\nFix: rename that user on the server, then deploy again.\n",
    );
    const { calls } = run("remove_build_user hello");
    assert.ok(!calls.join("\n").includes("userdel"), "the user should stay");
  });

  it("becomes root's as a copy that holds only files, folders and links, with plain modes", () => {
    const made = join(tools.folder, "made");
    mkdirSync(join(made, "bin"), { recursive: true });
    writeFileSync(join(made, "bin/tool"), "tool");
    chmodSync(join(made, "bin/tool"), 0o6777);
    writeFileSync(join(made, "data"), "data", { mode: 0o600 });
    chmodSync(join(made, "bin"), 0o2777);
    symlinkSync("/etc/shadow", join(made, "link"));
    execFileSync("mkfifo", [join(made, "fifo")]);
    const foreign = join(tools.folder, "foreign");
    writeFileSync(foreign, "foreign", { mode: 0o600 });
    linkSync(foreign, join(made, "hard"));
    const { code, stderr, calls } = run(`build_name=hello; hand_over "$FAKE/made" "$FAKE/made" "$(id -gn)"; umask`);
    assert.equal(code, 0, stderr);
    const modes = (paths: string[]) => paths.map((path) => (statSync(join(made, path)).mode & 0o7777).toString(8));
    assert.deepEqual(modes(["", "bin", "bin/tool", "data", "hard"]), ["755", "755", "755", "644", "644"]);
    assert.equal(execFileSync("find", [made, "-printf", "%y"]).toString().split("").sort().join(""), "ddfffl");
    assert.notEqual(statSync(join(made, "hard")).ino, statSync(foreign).ino, "a hard link should become a copy");
    assert.equal((statSync(foreign).mode & 0o7777).toString(8), "600", "what it linked to should be as before");
    assert.ok(
      calls.some((call) => call.startsWith("runuser -u _hello -- tar ")),
      "the user should pack it",
    );
    assert.ok(!existsSync(`${made}.new`), "nothing should be left");
  });

  it("that its user cannot read is not taken over", () => {
    const made = join(tools.folder, "made");
    mkdirSync(made);
    tools.add("runuser", "echo 'tar: ./x: Cannot open: Permission denied' >&2; tar -cf - -T /dev/null; exit 2");
    const { code, stderr } = run(`build_name=hello; hand_over "$FAKE/made" "$FAKE/made" "$(id -gn)"`);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: What was built in \S+ could not be copied\.$/m);
    assert.ok(existsSync(made), "it should stay as it is");
    rmSync(made, { recursive: true });
  });
});
