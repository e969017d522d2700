import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
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

describe("the language host", () => {
  afterEach(removeProjectFolders);
  const name = "pulumi-language-nodejs";

  it("prefers the language host on PATH, then the one beside the engine, then the offline one", () => {
    const root = projectFolder();
    const engine = program(join(root, "engine/pulumi"));
    const offline = join(root, ".local/bin", name);
    const env = { PATH: `${join(root, "theirs")}:${join(root, ".local/bin")}` };
    assert.equal(prepareLanguageHost(root, engine, env), "offline");
    assert.ok(isOffline(offline));
    assert.equal(prepareLanguageHost(root, engine, env), "offline");

    const beside = program(join(root, "engine", name));
    assert.equal(prepareLanguageHost(root, engine, env), "beside the engine");
    assert.equal(existsSync(offline), false);

    program(join(root, "theirs", name));
    assert.equal(prepareLanguageHost(root, engine, env), "on PATH");
    assert.ok(existsSync(beside));
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
    assert.ok(isOffline(ours));
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
