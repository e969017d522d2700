import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { serverKinds } from "../../../servers/registry";
import { prepareEngine } from "../../../toolchain/engine/install";
import { environment } from "../../../toolchain/engine/environment";
import { serverKind } from "../../../toolchain/engine/serverKind";
import { prepareLanguageHost, prepareResourcePlugin } from "../../../toolchain/engine/plugins";
import { program, projectFolder, put, removeProjectFolders } from "./support";

const isOffline = (file: string) => readFileSync(file, "utf8").includes("Offline plugin");

describe("the engine", () => {
  afterEach(removeProjectFolders);

  it("uses the engine on PATH and removes the project's own", async () => {
    const root = projectFolder();
    const theirs = program(join(root, "theirs/pulumi"), "echo v3.188.0");
    const ours = program(join(root, ".local/bin/pulumi"));
    const env = {
      PATH: `${join(root, ".local/bin")}:${join(root, "theirs")}:/bin`,
      XDG_CACHE_HOME: join(root, "cache"),
    };
    assert.equal(await prepareEngine(root, env), theirs);
    assert.equal(existsSync(ours), false);
  });

  it("uses a cached engine instead of one on PATH that is too old", async () => {
    const root = projectFolder();
    program(join(root, "theirs/pulumi"), "echo v3.187.9");
    const cached = program(
      join(root, `cache/uwsgi-nginx/engine/3.248.0-${process.platform}-${process.arch}-downloaded/bin/pulumi`),
    );
    const env = { PATH: `${join(root, "theirs")}:/bin`, XDG_CACHE_HOME: join(root, "cache") };
    const engine = await prepareEngine(root, env);
    assert.equal(realpathSync(engine), cached);
    assert.equal(environment(root, env).PATH?.split(":")[0], join(root, ".local/bin"));
    program(join(root, "theirs/pulumi"), "echo v3.250.0 # brought up to date");
    assert.equal(await prepareEngine(root, env), join(root, "theirs/pulumi"));
  });
});

describe("a downloaded engine", () => {
  const path = process.env.PATH;
  const version = "3.248.0";
  const archive = `pulumi-v${version}-${process.platform}-${process.arch}.tar.gz`;
  const list = `pulumi-${version}-checksums.txt`;
  let root: string;
  let sum: string;

  /** Only these programs are on PATH, so that no real one is used. curl takes what it is asked for from a folder. */
  beforeEach(() => {
    root = projectFolder();
    execFileSync("rm", [join(root, ".local/offline")]);
    program(join(root, "made/pulumi/pulumi"), `echo v${version}`);
    mkdirSync(join(root, "served"));
    for (const name of ["go.mod", "go.sum"]) put(join(root, "toolchain/offline/engine", name), "");
    execFileSync("tar", ["-czf", join(root, "served", archive), "-C", join(root, "made"), "pulumi"]);
    sum = createHash("sha256")
      .update(readFileSync(join(root, "served", archive)))
      .digest("hex");
    for (const name of ["tar", "gzip"]) program(join(root, "bin", name), `exec /bin/${name} "$@"`);
    program(
      join(root, "bin/curl"),
      `echo "$*" >> '${root}/asked'
      while [ $# -gt 1 ]; do [ "$1" != --output ] || to=$2; shift; done
      case $1 in */install.sh) exit 0 ;; esac
      /bin/cp '${root}/served/'"\${1##*/}" "$to"`,
    );
    process.env.PATH = join(root, "bin");
  });
  afterEach(() => {
    process.env.PATH = path;
    removeProjectFolders();
  });
  const prepare = () => prepareEngine(root, { PATH: join(root, "bin"), XDG_CACHE_HOME: join(root, "cache") });
  const engines = () => readdirSync(join(root, "cache/uwsgi-nginx/engine"));
  const publish = (text: string) => put(join(root, "served", list), text);

  it("is installed if its checksum is the one that Pulumi publishes elsewhere", async () => {
    publish(`${"0".repeat(64)}  ${archive}.sig\n${sum}  ${archive}\n`);
    const engine = await prepare();
    assert.equal(execFileSync(engine, { encoding: "utf8", env: { PATH: "/bin" } }), `v${version}\n`);
    const asked = readFileSync(join(root, "asked"), "utf8").match(/https:\S+/g);
    assert.deepEqual(asked?.slice(1), [
      `https://get.pulumi.com/releases/sdk/${archive}`,
      `https://github.com/pulumi/pulumi/releases/download/v${version}/${list}`,
    ]);
    assert.deepEqual(engines(), [`${version}-${process.platform}-${process.arch}-downloaded`]);
  });

  it("is not installed with another checksum, or with none", async () => {
    for (const text of [
      `${"0".repeat(64)}  ${archive}\n`,
      `${sum}  other.tar.gz\n`,
      `${sum.slice(1)}  ${archive}\n`,
      "",
    ]) {
      publish(text);
      await assert.rejects(
        prepare(),
        /^UserError: The Pulumi engine is not installed, and could not be downloaded from /,
      );
      assert.deepEqual(engines(), [], text);
    }
  });

  it("must have the checksum in the project's own list, if there is one", async () => {
    publish(`${sum}  ${archive}\n`);
    put(join(root, "toolchain/engine", list), `${"0".repeat(64)}  ${archive}\n`);
    await assert.rejects(prepare(), /could not be downloaded/);
    put(join(root, "toolchain/engine", list), `${sum}  ${archive}\n`);
    publish("");
    await prepare();
    assert.equal(engines().length, 1);
  });
});

describe("the language host", () => {
  afterEach(removeProjectFolders);
  const name = "pulumi-language-nodejs";

  it("prefers the language host on PATH, then the one beside the engine, then the offline one", () => {
    const root = projectFolder();
    const engine = program(join(root, "engine/pulumi"));
    const offline = join(root, ".local/bin", name);
    const env = { PATH: `${join(root, "theirs")}:${join(root, ".local/bin")}` };
    assert.equal(prepareLanguageHost(root, engine, env), "offline");
    assert.ok(isOffline(offline), `${offline} must be the offline plugin`);
    assert.equal(prepareLanguageHost(root, engine, env), "offline");

    const beside = program(join(root, "engine", name));
    assert.equal(prepareLanguageHost(root, engine, env), "beside the engine");
    assert.equal(existsSync(offline), false);

    program(join(root, "theirs", name));
    assert.equal(prepareLanguageHost(root, engine, env), "on PATH");
    assert.ok(existsSync(beside), `${beside} must be kept`);
  });

  it("ignores a language host on PATH if the engine is told to", () => {
    const root = projectFolder();
    program(join(root, "theirs", name));
    const env = { PATH: join(root, "theirs"), PULUMI_IGNORE_AMBIENT_PLUGINS: "true" };
    assert.equal(prepareLanguageHost(root, program(join(root, "engine/pulumi")), env), "offline");
  });
});

describe("the kind of server", () => {
  afterEach(removeProjectFolders);

  it("is read from the settings of the stack, and is a container by default", () => {
    const root = projectFolder();
    put(join(root, "Pulumi.dev.yaml"), "config:\n  site:server:\n    kind: aws\n");
    put(join(root, "Pulumi.short.yaml"), "config:\n  server:\n    kind: ssh\n");
    put(join(root, "Pulumi.broken.yaml"), "config: [\n");
    put(join(root, "Pulumi.empty.yaml"), "");
    put(join(root, "Pulumi.unknown.yaml"), "config:\n  server:\n    kind: moon\n");
    assert.equal(serverKind(root, "acme/site/dev"), serverKinds.aws);
    assert.equal(serverKind(root, "short"), serverKinds.ssh);
    for (const stack of ["broken", "empty", "missing", "unknown"])
      assert.equal(serverKind(root, stack), serverKinds.container, stack);
  });
});

describe("a resource plugin", () => {
  afterEach(removeProjectFolders);
  const folder = "plugins/resource-command-v1.2.1";
  const name = "pulumi-resource-command";

  function setUp() {
    const root = projectFolder();
    const env = { PATH: join(root, "theirs"), PULUMI_HOME: join(root, "user-home") };
    const prepare = () => prepareResourcePlugin(root, "/no/engine", "command", env);
    return { root, env, prepare, ours: join(root, ".local/pulumi-home", folder, name) };
  }

  it("reports a plugin that cannot be downloaded and has no offline replacement", async () => {
    const { root, env } = setUp();
    await assert.rejects(prepareResourcePlugin(root, "/no/engine", "aws", env), {
      name: "UserError",
      message: /This stack needs the plugin aws \d+\.\d+\.\d+, which is not on this computer and cannot be downloaded/,
    });
    program(join(root, "theirs", "pulumi-resource-aws"));
    assert.equal(await prepareResourcePlugin(root, "/no/engine", "aws", env), "on PATH");
  });

  it("starts the offline plugin if there is no other", async () => {
    const { root, prepare, ours } = setUp();
    assert.equal(await prepare(), "offline");
    put(join(root, "toolchain/offline/start.mjs"), `console.log(process.argv.slice(2).join("|"))`);
    assert.equal(execFileSync(ours, ["127.0.0.1:1", "a b"], { encoding: "utf8" }), `${name}|127.0.0.1:1|a b\n`);
  });

  it("links to the user's own plugin, without writing to their folder", async () => {
    const { root, prepare, ours } = setUp();
    await prepare();
    const theirs = program(join(root, "user-home", folder, name));
    assert.equal(await prepare(), "linked");
    assert.equal(realpathSync(ours), theirs);
    assert.equal(await prepare(), "installed");
    assert.equal(isOffline(theirs), false);
  });

  it("returns to the offline plugin if the user's own is removed", async () => {
    const { root, prepare, ours } = setUp();
    program(join(root, "user-home", folder, name));
    await prepare();
    removeFolder(join(root, "user-home"));
    assert.equal(await prepare(), "offline");
    assert.ok(isOffline(ours), `${ours} must be the offline plugin`);
  });

  it("ignores a plugin of another version", async () => {
    const { root, prepare } = setUp();
    program(join(root, "user-home/plugins/resource-command-v1.1.0", name));
    assert.equal(await prepare(), "offline");
  });

  it("keeps a plugin installed in the project, and prefers one on PATH", async () => {
    const { root, prepare, ours } = setUp();
    program(ours, "# genuine");
    assert.equal(await prepare(), "installed");
    assert.equal(isOffline(ours), false);
    program(join(root, "theirs", name));
    assert.equal(await prepare(), "on PATH");
  });

  function removeFolder(path: string): void {
    execFileSync("rm", ["-r", path]);
  }
});
