import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { prepareEngine } from "../../../toolchain/engine.mjs";
import { environment } from "../../../toolchain/environment.mjs";
import { hostKind } from "../../../toolchain/hostKind.mjs";
import { prepareLanguageHost, prepareResourcePlugin } from "../../../toolchain/plugins.mjs";
import { program, projectFolder, put, removeProjectFolders } from "./support";

const isStandIn = (file: string) => readFileSync(file, "utf8").includes("Stand-in");

describe("engine", () => {
  afterEach(removeProjectFolders);

  it("on PATH wins, and the project's own goes", async () => {
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

  it("on PATH that is too old is passed over for one in the cache", async () => {
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

describe("language host", () => {
  afterEach(removeProjectFolders);
  const name = "pulumi-language-nodejs";

  it("on PATH wins, then the one beside the engine, then the stand-in", () => {
    const root = projectFolder();
    const engine = program(join(root, "engine/pulumi"));
    const standIn = join(root, ".local/bin", name);
    const env = { PATH: `${join(root, "theirs")}:${join(root, ".local/bin")}` };
    assert.equal(prepareLanguageHost(root, engine, env), "stand-in");
    assert.ok(isStandIn(standIn));
    assert.equal(prepareLanguageHost(root, engine, env), "stand-in");

    const beside = program(join(root, "engine", name));
    assert.equal(prepareLanguageHost(root, engine, env), "beside the engine");
    assert.equal(existsSync(standIn), false);

    program(join(root, "theirs", name));
    assert.equal(prepareLanguageHost(root, engine, env), "on PATH");
    assert.ok(existsSync(beside));
  });

  it("on PATH does not count where the engine is told not to look there", () => {
    const root = projectFolder();
    program(join(root, "theirs", name));
    const env = { PATH: join(root, "theirs"), PULUMI_IGNORE_AMBIENT_PLUGINS: "true" };
    assert.equal(prepareLanguageHost(root, program(join(root, "engine/pulumi")), env), "stand-in");
  });
});

describe("the kind of a stack's server", () => {
  afterEach(removeProjectFolders);

  it("is what its settings say, and a container where they say nothing", async () => {
    const root = projectFolder();
    put(join(root, "Pulumi.dev.yaml"), "config:\n  site:server:\n    kind: aws\n");
    put(join(root, "Pulumi.short.yaml"), "config:\n  server:\n    kind: ssh\n");
    put(join(root, "Pulumi.broken.yaml"), "config: [\n");
    put(join(root, "Pulumi.empty.yaml"), "");
    assert.equal(await hostKind(root, "acme/site/dev"), "aws");
    assert.equal(await hostKind(root, "short"), "ssh");
    for (const stack of ["broken", "empty", "missing"]) assert.equal(await hostKind(root, stack), "container");
  });
});

describe("resource plugin", () => {
  afterEach(removeProjectFolders);
  const folder = "plugins/resource-command-v1.2.1";
  const name = "pulumi-resource-command";

  function setUp() {
    const root = projectFolder();
    const env = { PATH: join(root, "theirs"), PULUMI_HOME: join(root, "user-home") };
    const prepare = () => prepareResourcePlugin(root, "/no/engine", "command", env);
    return { root, env, prepare, ours: join(root, ".local/pulumi-home", folder, name) };
  }

  it("that has no stand-in and cannot be downloaded is an error that says so", async () => {
    const { root, env } = setUp();
    await assert.rejects(prepareResourcePlugin(root, "/no/engine", "aws", env), {
      name: "UserError",
      message: /This stack needs the plugin aws \d+\.\d+\.\d+, which is not on this machine/,
    });
    program(join(root, "theirs", "pulumi-resource-aws"));
    assert.equal(await prepareResourcePlugin(root, "/no/engine", "aws", env), "on PATH");
  });

  it("is a stand-in that starts the project's script when there is nothing else", async () => {
    const { root, prepare, ours } = setUp();
    assert.equal(await prepare(), "stand-in");
    put(join(root, "toolchain/offline/start.mjs"), `console.log(process.argv.slice(2).join("|"))`);
    assert.equal(execFileSync(ours, ["127.0.0.1:1", "a b"], { encoding: "utf8" }), `${name}|127.0.0.1:1|a b\n`);
  });

  it("of the user's own replaces the stand-in, and their folder is not written to", async () => {
    const { root, prepare, ours } = setUp();
    await prepare();
    const theirs = program(join(root, "user-home", folder, name));
    assert.equal(await prepare(), "linked");
    assert.equal(realpathSync(ours), theirs);
    assert.equal(await prepare(), "installed");
    assert.equal(isStandIn(theirs), false);
  });

  it("of the user's own that is gone again is replaced by the stand-in", async () => {
    const { root, prepare, ours } = setUp();
    program(join(root, "user-home", folder, name));
    await prepare();
    removeFolder(join(root, "user-home"));
    assert.equal(await prepare(), "stand-in");
    assert.ok(isStandIn(ours));
  });

  it("of another version does not count", async () => {
    const { root, prepare } = setUp();
    program(join(root, "user-home/plugins/resource-command-v1.1.0", name));
    assert.equal(await prepare(), "stand-in");
  });

  it("installed in the project stays, and the one on PATH wins over all", async () => {
    const { root, prepare, ours } = setUp();
    program(ours, "# genuine");
    assert.equal(await prepare(), "installed");
    assert.equal(isStandIn(ours), false);
    program(join(root, "theirs", name));
    assert.equal(await prepare(), "on PATH");
  });

  function removeFolder(path: string): void {
    execFileSync("rm", ["-r", path]);
  }
});
