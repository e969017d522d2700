// The toolkit on its way to the server: packed the same everywhere, used only if it is complete.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asset, assetFiles, inlineScript } from "../../rendering/assets";
import { manifestText } from "../../rendering/manifest";
import { packToolkit, serverStep } from "../../rendering/toolkit";
import { FakeTools } from "../support/fakeTools";
import { archives, toolkit } from "../support/plans";
import { root } from "../support/root";

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("a manifest", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  /** Reads a manifest with the toolkit, and prints variables with a NUL after each. */
  const read = (text: string, variables: readonly string[]) => {
    writeFileSync(join(tools.folder, "manifest"), text);
    const declare = variables.map((name) => `local ${name}=`).join("; ");
    const print = variables.map((name) => `printf '%s\\0' "$${name}"`).join("; ");
    return tools.run(["manifest.sh"], `f() { ${declare}; read_manifest < "$FAKE/manifest"; ${print}; }; f`);
  };

  const values = {
    plain: "hello",
    empty: "",
    sign: "a=b|c",
    quotes: `"it's" $(reboot) \`reboot\` \\ %s`,
    blanks: "  two  words  ",
    end: "end",
    unicode: "Grüße",
    text: "[uwsgi]\n\nmodule = a:b\nend\n|x\n  indented\n",
  };

  it("brings every value to the server as it is", () => {
    const { code, stdout, stderr } = read(manifestText(values), Object.keys(values));
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.split("\0").slice(0, -1), Object.values(values));
  });

  it("may have names that this version of the toolkit does not know", () => {
    const { stdout } = read(manifestText({ later: "x", plain: "hello" }), ["plain"]);
    assert.equal(stdout, "hello\0");
  });

  it("is refused as a whole if a part of it is missing, wherever it was cut off", () => {
    const text = manifestText(values);
    for (const length of [0, 3, 20, text.indexOf("module"), text.length - "end\n".length]) {
      const { code, stdout, stderr } = read(text.slice(0, length), ["plain"]);
      assert.equal(code, 1, `The first ${length} characters should be refused.`);
      assert.equal(stdout, "");
      assert.match(stderr, /^Error: The manifest is not complete: .* Nothing was changed\.\nFix: deploy again\.$/m);
    }
  });
});

describe("the toolkit", () => {
  it("has no two functions of the same name in the scripts of a verb, of which one would take the other's place", () => {
    const scripts = new Map(assetFiles("toolkit").map(({ name, text }) => [name.replace(/\.sh$/, ""), text]));
    const lists = [...(scripts.get("run") ?? "").matchAll(/^(\w+)_parts='(.+)'$/gm)];
    const partsOf = new Map(lists.map(([, verb = "", parts = ""]) => [verb, parts.split(" ")]));
    const common = partsOf.get("common") ?? [];
    assert.ok(common.length > 5 && partsOf.size > 3, "The lists of run.sh are not found. Fix: correct this test.");
    for (const [verb, parts] of partsOf) {
      const names = [...new Set([...common, ...parts])].flatMap((part) =>
        [...(scripts.get(part) ?? "").matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name),
      );
      const repeated = names.filter((name, index) => names.indexOf(name) !== index);
      assert.deepEqual(repeated, [], `Fix: rename these functions, which the verb ${verb} has twice.`);
    }
  });

  it("has the version of the project and of its files", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    assert.match(toolkit.version, new RegExp(`^${version.replaceAll(".", "\\.")}-[0-9a-f]{8}$`));
    assert.equal(sha256(readFileSync(toolkit.archive)), toolkit.hash);
  });

  it("is packed once, and always gives the same archive", () => {
    const before = readFileSync(toolkit.archive);
    const { ino } = statSync(toolkit.archive);
    assert.deepEqual(packToolkit(archives), toolkit);
    assert.equal(statSync(toolkit.archive).ino, ino, "an archive that exists must not be packed again");
    rmSync(toolkit.archive);
    assert.deepEqual(packToolkit(archives), toolkit);
    assert.ok(
      readFileSync(toolkit.archive).equals(before),
      "a stack must not change with the computer that deploys it",
    );
  });

  describe("on a server", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "toolkit-"));
      for (const name of ["state/uploads", "lock", "tools"]) mkdirSync(join(folder, name), { recursive: true });
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    /** launch.sh with other folders, and a toolkit whose run.sh says with what it was called. */
    const launch = (...args: string[]) => {
      const text = asset("toolkit/launch.sh")
        .replace("/var/lib/uwsgi-nginx", join(folder, "state"))
        .replace("/usr/local/lib/uwsgi-nginx", join(folder, "toolkit"))
        .replaceAll("/run/uwsgi-nginx", join(folder, "lock"));
      const { status, stdout, stderr } = spawnSync("bash", ["-c", text, "launch", ...args], { encoding: "utf8" });
      return { code: status, stdout, stderr };
    };
    /** Uploads a toolkit that prints its version, and allows it. */
    const upload = (version: string, { isAllowed = true } = {}) => {
      const tools = join(folder, "tools");
      writeFileSync(join(tools, "run.sh"), `echo "${version} $*"\n`);
      const archive = join(folder, "state/uploads/toolkit.tar.gz");
      spawnSync("tar", ["-czf", archive, "-C", tools, "run.sh"]);
      if (isAllowed) writeFileSync(join(folder, "state/toolkit-hash"), `${sha256(readFileSync(archive))}\n`);
    };
    const says = (text: string) => {
      const { stdout, stderr } = launch("app", "up");
      assert.equal(stdout, text, stderr);
    };

    it("is installed when it is first needed, and when there is another version", () => {
      upload("1");
      says("1 app up\n");
      says("1 app up\n");
      upload("2");
      says("2 app up\n");
    });

    it("is installed again where it was removed or damaged", () => {
      upload("1");
      says("1 app up\n");
      writeFileSync(join(folder, "toolkit/run.sh"), "echo damaged\n");
      says("1 app up\n");
      rmSync(join(folder, "toolkit/run.sh"));
      says("1 app up\n");
      rmSync(join(folder, "toolkit"), { recursive: true });
      says("1 app up\n");
    });

    it("stays in use as long as another one was uploaded that the stack has not allowed", () => {
      upload("1");
      says("1 app up\n");
      upload("2", { isAllowed: false });
      says("1 app up\n");
    });

    it("is not used if both it and its archive are damaged, and the error says what to do", () => {
      upload("1");
      upload("2", { isAllowed: false });
      const { code, stdout, stderr } = launch("app", "up");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^Error: The toolkit on this server is damaged \(.*\), and so is its archive \(.*\)\.\nFix: upload it with: npm run up -- STACK --replace/,
      );
    });
  });
});

describe("the first step", () => {
  const run = (stdin: string) => {
    const script = inlineScript("unpack-and-run.sh");
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script, "toolkit", "server", "up"], {
      input: stdin,
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  };
  /** What the step has unpacked, in place of running it. */
  const unpacked = (step: string) => {
    const [, data = ""] = step.trim().split(" ");
    const list = spawnSync("tar", ["-tz"], { input: Buffer.from(data, "base64"), encoding: "utf8" }).stdout;
    return list.trim().split("\n");
  };

  it("brings the scripts that it needs on this platform, and its manifest", () => {
    const names = unpacked(serverStep({ package_script: "packages-yum.sh" }, archives));
    assert.deepEqual(
      names,
      [
        ...["apps", "build", "claim", "downloads", "firewalld", "keep-secrets", "launch", "lib"],
        ...["manifest", "nginx", "packages-yum", "python", "run", "selinux", "server", "system", "users", "uwsgi"],
      ]
        .map((name) => `${name}.sh`)
        .concat("manifest"),
    );
  });

  it("changes with its manifest", () => {
    const step = (manifest: Record<string, string>) => serverStep(manifest, archives);
    assert.notEqual(step({ a: "b" }), step({ a: "c" }));
    assert.equal(step({ a: "b" }), step({ a: "b" }));
  });

  it("does nothing if a part of it is missing", () => {
    const step = serverStep({ package_script: "packages-apt.sh" }, archives);
    for (const length of [0, 10, 100, step.length - 10]) {
      const { code, stderr } = run(step.slice(0, length));
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Error: The connection broke while the step was sent\. Nothing was changed\.\nFix: deploy again\.$/m,
      );
    }
    assert.ok(!existsSync("/var/lib/uwsgi-nginx"), "this computer must not become a server");
  });
});
