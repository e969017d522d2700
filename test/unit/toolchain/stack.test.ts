import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isFresh } from "../../../toolchain/online.mjs";
import { isInstalled } from "../../../toolchain/packages.mjs";
import { explain, isRepeatable, projectName, Stack, withoutSalt } from "../../../toolchain/stack.mjs";
import { sourcesHash } from "../../../toolchain/typecheck.mjs";
import { isAtLeast, pinnedVersion } from "../../../toolchain/versions.mjs";
import { age, program, projectFolder, put, removeProjectFolders } from "./support";

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

  const url = "awskms://1234abcd?region=eu-central-1";
  const provider = `secretsprovider: ${url}\n`;
  const cases: [string, string, string | undefined, string][] = [
    ["a KMS key and what it has encrypted", `${provider}encryptedkey: a2V5\n`, url, ""],
    ["a KMS key that has encrypted nothing yet", provider, url, "encryptedkey: bmV3\n"],
    ["a passphrase", "encryptionsalt: v1:x\n", undefined, ""],
    ["nothing of secrets", "", undefined, "encryptionsalt: v1:new\n"],
  ];
  for (const [what, text, expected, added] of cases) {
    it(`is made with the provider of secrets that its settings name: ${what}`, async () => {
      const root = projectFolder();
      const settings = put(join(root, "Pulumi.dev.yaml"), `# mine\nconfig: {}\n${text}`);
      const calls = join(root, "calls");
      // An engine that writes the file as the genuine one does: anew, and only where it adds something.
      const engine = program(
        join(root, "pulumi"),
        `[ "$3" = ls ] && echo '[]' && exit
         echo "$*" >> '${calls}'
         grep -q '^encrypt' '${settings}' || printf '%s\\n' 'config: {}' '${added.trim()}' > '${settings}'`,
      );
      await new Stack(root, "dev", engine).ensure();
      const flags = expected === undefined ? "" : ` --secrets-provider ${expected}`;
      assert.equal(readFileSync(calls, "utf8"), `--non-interactive stack init dev${flags}\n`);
      assert.equal(readFileSync(settings, "utf8"), `# mine\nconfig: {}\n${text}${added}`);
    });
  }

  it("forgets the unfinished creation of what can be made again, not of a server", () => {
    const operation = (type: string) => ({ type: "creating", resource: { type } });
    assert.equal(isRepeatable(operation("command:remote:Command")), true);
    assert.equal(isRepeatable(operation("random:index/randomPassword:RandomPassword")), true);
    assert.equal(isRepeatable(operation("aws:ec2/instance:Instance")), false);
  });

  it("explains a wrong passphrase, and nothing that is no business of its own", () => {
    const root = projectFolder();
    const wrong = explain("error: get stack secrets manager: incorrect passphrase", root, "dev");
    assert.match(wrong?.message ?? "", /\.local\/passphrase/);
    assert.equal(explain("error: update failed", root, "dev"), undefined);
  });

  it("explains a lock by who holds it: one that is here, one in a workflow that may have died, one nobody knows", () => {
    const lock = (host: string) =>
      explain(
        `error: the stack is currently locked by 1 lock(s). …\n  .pulumi/locks/x.json: created by a@${host} (pid 42) at 2026-01-02T03:04:05Z`,
        projectFolder(),
        "dev",
      )?.message;
    assert.match(
      lock(hostname()) ?? "",
      /^Another pulumi \(process 42, since 2026-01-02 03:04:05\) is working on stack dev; nothing was touched\.\n.*Wait for it, or stop it/,
    );
    const elsewhere =
      /See whether it still runs: .* Actions .*\n.*Only if it is gone for sure: .*; pulumi cancel --stack dev\n.*npm run preview -- dev --refresh/;
    assert.match(lock("runner-1") ?? "", /^Another pulumi \(process 42 on runner-1, since /);
    assert.match(lock("runner-1") ?? "", elsewhere);
    const cloud = explain("error: [409] Conflict: Another update is currently in progress.", projectFolder(), "dev");
    assert.match(cloud?.message ?? "", /^Another pulumi is working on stack dev;/);
    assert.match(cloud?.message ?? "", elsewhere);
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
