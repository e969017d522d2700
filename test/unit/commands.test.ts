// Commands of an app (assets/toolkit/commands.sh, assets/scripts/exec.sh) with fakes of the tools that need a server: what
// they are given, and what is said about them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execLine } from "../../toolchain/commands/exec";
import { serverSettings } from "../../toolchain/engine/serverKind";
import { FakeTools } from "../support/fakeTools";
import { root } from "../support/root";

describe("a command of an app", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools()
      .add("install", '[[ $1 == -d ]] && exec mkdir -p "${!#}"; : > "${!#}"')
      .add("chgrp")
      // Runs the command of the unit, and says how it has ended.
      .add(
        "systemctl",
        `case $1 in
         start)
           env -i PATH=/usr/bin:/bin /bin/bash "$FAKE/commands/hello/command"; code=$?
           printf 'Result=success\\nExecMainCode=1\\nExecMainStatus=%s\\n' "$code" > "$FAKE/ended"
           [[ ! -e $FAKE/given ]] || { cp "$FAKE/given" "$FAKE/ended"; echo "Job for $2 failed."; exit 1; }
           exit "$code" ;;
         show) cat "$FAKE/ended" ;;
         esac`,
      );
  });
  afterEach(() => {
    tools.remove();
  });

  const run = (call: string, more = "") =>
    tools.run(
      ["claim.sh", "apps.sh", "build.sh", "folders.sh", "release.sh", "commands.sh"],
      `python=python3 isolation=-I app=hello release=new before=releases/old group=hello uid=hello venv=/v folder=$FAKE/apps releases=$FAKE/releases
       commands_folder=$FAKE/commands transient_folder=$FAKE/units apps_folder=$FAKE/opt uwsgi_command='[Service]' command_timeout=5
       mkdir -p "$folder" "$releases/new"; ${more}
       ${call}`,
    );
  const release = (lines: string, more = "") =>
    run(`release_commands='${lines}'; run_release_commands; echo after`, more);

  it("gets its text as it is and what it needs to know, and what it prints is shown", () => {
    const { code, stderr, stdout } = release(
      `printf "%s\\n" "$APP_NAME" "$APP_RELEASE" "$VIRTUAL_ENV" "\${PATH%%:*}"; exit $((1 - 1))\necho 2 >&2\n`,
    );
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "after\n");
    assert.match(
      stderr,
      /^hello: release command: printf .*\n {4}hello\n {4}new\n {4}\/v\n {4}\/v\/bin\nhello: release command: echo 2 >&2\n {4}2\n$/,
    );
    assert.ok(existsSync(join(tools.folder, "releases/new/commands-done")), "success should be recorded");
    assert.ok(!existsSync(join(tools.folder, "commands/hello")), "nothing else should be left");
    assert.equal(release("echo again\n").stderr, "", "they should run once");
  });

  it("shows the end of what it prints, as plain text without secrets", () => {
    const { stderr } = release(
      `seq 50; printf "\\\\033[31mGr\\\\303\\\\274n \\\\377 marker\\\\r\\\\n"\n`,
      `hide_secrets() { sed 's/marker/***/'; }`,
    );
    const lines = stderr.trimEnd().split("\n").slice(1);
    assert.equal(lines.length, 40);
    assert.equal(lines.at(-1), "    [31mGrün  ***");
  });

  const why: [string, string, RegExp][] = [
    ["its exit status", "", /"echo why; exit 3" of app hello failed \(exit status 3\)\./],
    [
      "the time that it has",
      "Result=timeout\nExecMainCode=2\nExecMainStatus=9\n",
      /hello did not end within 5 seconds \(apps\.hello\.commands\.timeoutSeconds\)\./,
    ],
    ["a signal", "Result=signal\nExecMainCode=2\nExecMainStatus=9\n", /hello was ended \(signal KILL\)\./],
    [
      "systemd's reason",
      "Result=resources\nExecMainCode=0\nExecMainStatus=0\n",
      /hello could not be started \(Job for uwsgi-command@hello\.service failed\.\)\./,
    ],
  ];
  for (const [what, ended, message] of why) {
    it(`that fails ends the deployment, and the error names ${what}`, () => {
      if (ended !== "") writeFileSync(join(tools.folder, "given"), ended);
      const { code, stdout, stderr } = release("echo why; exit 3\necho never\n");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, message);
      assert.match(
        stderr,
        / What it and the commands before it have changed in the app's data stays changed\. Release old stays live\.\n {4}why\nFix: correct the app or apps\.hello\.commands, then deploy again\.\n$/,
      );
      assert.ok(!existsSync(join(tools.folder, "releases/new/commands-done")), "it should run again");
    });
  }

  it("that has succeeded may leave something behind that does not end at once", () => {
    writeFileSync(join(tools.folder, "given"), "ExecMainStatus=0\nExecMainCode=1\nResult=timeout\n");
    assert.equal(release("true\n").code, 0);
  });
});

describe("a command by hand", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools().add("id", "echo 1000").add("bash", 'printf "[%s]" "${@:2}"; cat');
  });
  afterEach(() => {
    tools.remove();
  });
  /** Runs what would run on the server, whose toolkit is in the folder of the fakes. */
  const run = (line: string, input: string) =>
    spawnSync(
      "/bin/sh",
      ["-c", line.replaceAll("/usr/local/lib/uwsgi-nginx", tools.folder).replace(/^bash/, "/bin/bash")],
      {
        input,
        encoding: "utf8",
        env: { ...process.env, PATH: `${tools.folder}:${process.env.PATH}`, FAKE: tools.folder },
      },
    );
  const line = (more: { hasTerminal?: boolean; asksForPassword?: boolean } = {}) =>
    execLine(root, { hasTerminal: false, asksForPassword: false, app: "hello", words: ["echo", "a  'b'"], ...more });

  it("is on one line, for every login shell", () => {
    assert.ok(!line().includes("\n"), "csh allows no line breaks in quotes");
  });

  it("needs the toolkit of this version", () => {
    const { status, stderr } = run(line(), "");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error: The server does not have this version of the toolkit yet\. Nothing was changed\.\nFix: deploy first: /,
    );
  });

  it("is run by root, with sudo where the login user is another one, and with its password", () => {
    writeFileSync(join(tools.folder, "exec.sh"), "");
    tools.add(
      "sudo",
      `case "$*" in *" true") cat > "$FAKE/first" ;; "-n "*) exec "\${@:2}" ;; *) exec /bin/bash "\${@:5}" ;; esac`,
    );
    assert.equal(run(line(), "input").stdout, "[exec][hello][echo][a  'b']input");
    tools.calls();
    const { status, stdout } = run(line({ asksForPassword: true }), "pass'word\nbinary\0\n\ninput");
    assert.deepEqual([status, stdout], [0, "[exec][hello][echo][a  'b']binary\0\n\ninput"]);
    assert.ok(!tools.calls().join("\n").includes("pass'word"), "the password must not be an argument");
    assert.match(line({ asksForPassword: true, hasTerminal: true }), / exec terminal hello /);
  });

  it("knows from the settings whether sudo asks for a password", () => {
    const settings = { kind: "ssh", user: "admin", sudoPassword: { secure: "x" } };
    const text = JSON.stringify({ config: { "uwsgi-nginx:server": settings } });
    assert.deepEqual(serverSettings(text), settings);
    assert.deepEqual(
      [serverSettings(undefined), serverSettings("config: {}"), serverSettings("a: b: c")],
      [{}, {}, {}],
    );
  });
});
