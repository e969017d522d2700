// folders.sh: what is kept across releases, what an app is told that cannot write, and what its log does not show.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { variableLines } from "../../rendering/environment";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";

describe("folders.sh", () => {
  let tools: FakeTools;
  beforeEach(() => {
    // Without its options -u USER --.
    tools = new FakeTools().add("runuser", 'shift 3; exec "$@"');
    mkdirSync(join(tools.folder, "app/shared"), { recursive: true });
  });
  afterEach(() => {
    tools.remove();
  });

  const run = (commands: string, more: Record<string, string> = {}) => {
    const values = {
      ...{ app: "hello", folder: join(tools.folder, "app"), uid: "hello", group: "root", owner: "0" },
      ...{ kept_folders: "", kept_files: "", python: "python3", isolation: "-I", state_folder: tools.folder, ...more },
    };
    const assignments = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`);
    return tools.run(["folders.sh"], `${assignments.join("; ")}; ${commands}`);
  };
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(tools.folder, file)), { recursive: true });
    writeFileSync(join(tools.folder, file), text);
  };
  const read = (file: string) => readFileSync(join(tools.folder, file), "utf8");
  const link = (release: string, kept: Record<string, string>) => {
    mkdirSync(join(tools.folder, release), { recursive: true });
    return run(`link_folders "$FAKE/${release}"`, kept);
  };

  describe("what is kept", () => {
    const kept = { kept_folders: "media\nvar/a log\n", kept_files: "db.sqlite3\n-new/file\n" };

    it("is copied from the first release only, and each release has links to it", () => {
      write("one/media/logo.svg", "one");
      write("one/db.sqlite3", "data");
      write("two/media/logo.svg", "two");
      for (const release of ["one", "two"]) {
        const { code, stderr } = link(release, kept);
        assert.equal(code, 0, stderr);
        for (const path of ["media", "var/a log", "db.sqlite3", "-new/file"]) {
          assert.equal(readlinkSync(join(tools.folder, release, path)), join(tools.folder, "app/shared", path));
        }
        assert.equal(read(`${release}/media/logo.svg`), "one");
        assert.equal(read(`${release}/db.sqlite3`), "data");
        writeFileSync(join(tools.folder, release, "-new/file"), "the app's");
      }
      assert.equal(read("app/shared/-new/file"), "the app's");
      assert.ok(!existsSync(join(tools.folder, "app/shared/.copy-of-kept")), "nothing should be left of copying");
    });

    it("is copied again after a copy that was cut off", () => {
      write("app/shared/.copy-of-kept/kept/old", "incomplete");
      write("one/media/logo.svg", "one");
      assert.equal(link("one", { kept_folders: "media\n" }).code, 0);
      assert.equal(read("app/shared/media/logo.svg"), "one");
      assert.ok(!existsSync(join(tools.folder, "app/shared/media/old")), "no part of the former copy should be used");
    });

    it("is written as the app's user, because its data may have links", () => {
      link("one", { kept_folders: "media\n" });
      const calls = link("two", { kept_folders: "media\n" }).calls.filter((it) => it.startsWith("runuser "));
      assert.deepEqual(calls, ["runuser -u root -- bash -c"]);
    });

    it("must be what the code has at its path", () => {
      write("one/media", "a file");
      write("one/db/file", "");
      const message = (setting: Record<string, string>) => link("one", setting).stderr.trim();
      const fix = "Fix: choose another path, or move that in the code.";
      assert.equal(
        message({ kept_folders: "media\n" }),
        `Error: The code of app hello has a file at "media", so "media" cannot be one of apps.hello.folders.\n${fix}`,
      );
      assert.equal(
        message({ kept_files: "db\n" }),
        `Error: The code of app hello has a folder at "db", so "db" cannot be one of apps.hello.files.\n${fix}`,
      );
      assert.match(message({ kept_files: "media/a\n" }), /has a file at "media", so "media\/a" cannot be one of/);
    });
  });

  describe("the advice for an app that cannot write", () => {
    const advice = (log: string) => {
      const { code, stdout, stderr } = run(`write_advice ${quote(log.replaceAll("APP", join(tools.folder, "app")))}`);
      assert.equal(code, 0, stderr);
      return stdout;
    };

    it("names the setting and the path in the code", () => {
      const file =
        'list "data.txt" in apps.hello.files, or in apps.hello.folders if it is a folder, so that the app may write there, then deploy again.';
      for (const path of [
        "data.txt",
        "./data.txt",
        "APP/current/app/data.txt",
        "APP/releases/1/app/data.txt",
        "APP/trial/app/data.txt",
      ]) {
        assert.equal(advice(`Traceback\nOSError: [Errno 30] Read-only file system: '${path}'\n`), file);
      }
      assert.equal(
        advice("PermissionError: [Errno 13] Permission denied: u'var/log/app.log'"),
        'list "var/log" in apps.hello.folders, or "var/log/app.log" in apps.hello.files, so that the app may write there, then deploy again.',
      );
    });

    it("names the setting for other places", () => {
      assert.equal(
        advice("OSError: [Errno 30] Read-only file system: '/srv/media/a'"),
        "list the folder of /srv/media/a in apps.hello.readWritePaths and let the user hello write there, if the app should, then deploy again.",
      );
    });

    it("names all the settings where the log has no path, and none where it is about something else", () => {
      for (const text of ["unable to open database file", "attempt to write a readonly database"]) {
        assert.match(
          advice(`sqlite3.OperationalError: ${text}`),
          /^let the app write where it must, with apps\.hello\.folders or /,
        );
      }
      assert.equal(advice("ImportError: No module named flask"), "");
      assert.equal(advice("[Errno 13] Permission denied: 'APP/shared/media'"), "");
    });
  });

  it("secrets of six characters and more are hidden in an app's log, also those that it divides", () => {
    const lines = "-----BEGIN-----\n\tsecond line\nend";
    const long = Array.from({ length: 5000 }, (_, index) => index).join("-");
    const secrets = { QUOTED: 'a"$b\\`c', LINES: lines, SHORT: "abcde", LONG: long, UNICODE: "Grüße 🔑" };
    write("app/releases/1/secrets", `# 1\n${variableLines(secrets)}# end of 1\n`);
    write("app/releases/.new-2/secrets", variableLines({ NEW: "is-new" }));
    write("secrets/hello", variableLines({ NEWEST: "is-newest" }));
    const log = [
      'KeyError a"$b\\`c abcde',
      "-----BEGIN-----",
      "second line",
      "end",
      `x${long.slice(100, 9000)}`,
      "Grüße 🔑",
      "is-new is-newest",
    ];
    write("log", log.join("\n"));
    const { code, stdout, stderr, calls } = run('hide_secrets < "$FAKE/log"');
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.split("\n"), [
      ...["KeyError [secret] abcde", "[secret]", "[secret]", "end", "[secret]", "[secret]", "[secret] [secret]"],
    ]);
    assert.deepEqual(calls, []);
    assert.equal(run("printf 'nothing\\nto hide\\n' | hide_secrets").stdout, "nothing\nto hide\n");
  });
});
