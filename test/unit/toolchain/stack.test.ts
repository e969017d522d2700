import assert from "node:assert/strict";
import { age, projectFolder, put, removeProjectFolders } from "./support";
import { join } from "node:path";
import { isFresh } from "../../../toolchain/online.mjs";
import { isInstalled } from "../../../toolchain/packages.mjs";
import { explain, isRepeatable, projectName, withoutSalt } from "../../../toolchain/stack.mjs";
import { sourcesHash } from "../../../toolchain/typecheck.mjs";
import { isAtLeast, pinnedVersion } from "../../../toolchain/versions.mjs";

describe("stack", () => {
  afterEach(removeProjectFolders);

  it("settings lose the salt, and nothing else", () => {
    assert.equal(withoutSalt("# mine\nconfig:\n  a: 1\nencryptionsalt: v1:x\n"), "# mine\nconfig:\n  a: 1\n");
    assert.equal(withoutSalt("encryptionsalt: v1:x\nconfig:\n  a: 1\n"), "config:\n  a: 1\n");
    assert.equal(withoutSalt("config:\n  encryptionsalt: mine\n"), "config:\n  encryptionsalt: mine\n");
  });

  it("settings with secrets keep the salt that reads them", () => {
    const settings = "config:\n  x:token:\n    secure: v1:abc\nencryptionsalt: v1:x\n";
    assert.equal(withoutSalt(settings), settings);
    const listed = "config:\n  x:tokens:\n    - secure: v1:abc\nencryptionsalt: v1:x\n";
    assert.equal(withoutSalt(listed), listed);
  });

  it("forgets the unfinished creation of what can be made again, not of a server", () => {
    const operation = (type: string) => ({ type: "creating", resource: { type } });
    assert.equal(isRepeatable(operation("command:remote:Command")), true);
    assert.equal(isRepeatable(operation("random:index/randomPassword:RandomPassword")), true);
    assert.equal(isRepeatable(operation("aws:ec2/instance:Instance")), false);
  });

  it("explains a wrong passphrase and a lock", () => {
    const root = projectFolder();
    assert.match(
      explain("error: get stack secrets manager: incorrect passphrase", root)?.message ?? "",
      /\.local\/passphrase/,
    );
    assert.match(
      explain("error: the stack is currently locked by 1 lock(s).\n x: created by a@b (pid 42) at", root)?.message ??
        "",
      /process 42/,
    );
    assert.equal(explain("error: update failed", root), undefined);
  });

  it("reads the project's name", () => {
    assert.equal(projectName("description: x\nname: uwsgi-nginx # here\n"), "uwsgi-nginx");
    assert.throws(() => projectName("runtime: nodejs\n"), /no 'name'/);
  });
});

describe("what was done before", () => {
  afterEach(removeProjectFolders);

  it("packages: installed is what the lock file says, neither less nor more nor other", () => {
    const a = { version: "1.0.0", integrity: "sha512-a" };
    const wanted = { packages: { "": {}, "node_modules/a": a, "node_modules/mac-only": { ...a, optional: true } } };
    assert.equal(isInstalled(wanted, { packages: { "node_modules/a": a } }), true);
    assert.equal(isInstalled(wanted, { packages: {} }), false);
    assert.equal(isInstalled(wanted, { packages: { "node_modules/a": { ...a, version: "1.0.1" } } }), false);
    assert.equal(isInstalled(wanted, { packages: { "node_modules/a": { ...a, integrity: "sha512-b" } } }), false);
    assert.equal(isInstalled(wanted, { packages: { "node_modules/a": a, "node_modules/b": a } }), false);
  });

  it("types: the hash changes with a source, a name, the compiler's settings; not with other files", () => {
    const root = projectFolder();
    put(join(root, "index.ts"), "export {};\n");
    const first = sourcesHash(root);
    put(join(root, "README.md"), "text");
    put(join(root, "node_modules/x/index.ts"), "x");
    put(join(root, ".local/x.ts"), "x");
    assert.equal(sourcesHash(root), first);
    put(join(root, "components/app.ts"), "export const x = 1;\n");
    const second = sourcesHash(root);
    assert.notEqual(second, first);
    put(join(root, "components/app.ts"), "export const x = 2;\n");
    assert.notEqual(sourcesHash(root), second);
    put(join(root, "components/app.ts"), "export const x = 1;\n");
    assert.equal(sourcesHash(root), second);
    put(join(root, "tsconfig.check.json"), "{}");
    assert.notEqual(sourcesHash(root), second);
  });

  it("download site: out of reach for a day", () => {
    const note = put(join(projectFolder(), "note"), "");
    assert.equal(isFresh(note), true);
    age(note, 23);
    assert.equal(isFresh(note), true);
    age(note, 25);
    assert.equal(isFresh(note), false);
    assert.equal(isFresh(`${note}-missing`), false);
  });
});

describe("versions", () => {
  afterEach(removeProjectFolders);

  it("are compared by number, within one major version", () => {
    for (const version of ["3.188.0", "v3.188.1", "v3.1000.0-alpha.1", "3.248.0\n"]) {
      assert.equal(isAtLeast(version, "3.188.0"), true, version);
    }
    for (const version of ["3.187.99", "v3.99.0", "4.0.0", "2.200.0", "", "what?"]) {
      assert.equal(isAtLeast(version, "3.188.0"), false, version);
    }
  });

  it("must be exact in package.json", () => {
    const root = projectFolder();
    assert.equal(pinnedVersion(root, "@pulumi/command"), "1.2.1");
    put(join(root, "package.json"), JSON.stringify({ dependencies: { a: "^1.0.0" } }));
    assert.throws(() => pinnedVersion(root, "a"), /must pin a to an exact version/);
    assert.throws(() => pinnedVersion(root, "b"), /must pin b/);
  });
});
