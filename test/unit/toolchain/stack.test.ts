import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { sourcesHash } from "../../../toolchain/checks/types";
import { isSupported } from "../../../toolchain/engine/install";
import { isFresh } from "../../../toolchain/engine/online";
import { explain, projectName, Stack } from "../../../toolchain/engine/stack";
import { withoutSalt } from "../../../toolchain/engine/stackFile";
import { isRepeatable } from "../../../toolchain/engine/state";
import { engineModule, pinnedVersion } from "../../../toolchain/engine/versions";
import { root as checkout } from "../../support/root";
import { age, program, projectFolder, put, removeProjectFolders } from "./support";

describe("a stack", () => {
  afterEach(removeProjectFolders);

  it("loses the salt in its settings, and nothing else", () => {
    assert.equal(withoutSalt("# mine\nconfig:\n  a: 1\nencryptionsalt: v1:x\n"), "# mine\nconfig:\n  a: 1\n");
    assert.equal(withoutSalt("encryptionsalt: v1:x\nconfig:\n  a: 1\n"), "config:\n  a: 1\n");
    assert.equal(withoutSalt("config:\n  encryptionsalt: mine\n"), "config:\n  encryptionsalt: mine\n");
  });

  it("keeps the salt in settings with secrets", () => {
    const settings = "config:\n  x:token:\n    secure: v1:abc\nencryptionsalt: v1:x\n";
    assert.equal(withoutSalt(settings), settings);
    const listed = "config:\n  x:tokens:\n    - secure: v1:abc\nencryptionsalt: v1:x\n";
    assert.equal(withoutSalt(listed), listed);
  });

  it("is removed with the unfinished state file of a killed engine, and leaves another stack's", () => {
    const root = projectFolder();
    put(join(root, "Pulumi.yaml"), "name: site\n");
    const stacks = join(root, ".local/state/.pulumi/stacks/site");
    put(join(stacks, "dev.json.18ebb9ea2e8f7634.tmp"), "");
    put(join(stacks, "dev2.json.18ebb9ea2e8f7634.tmp"), "");
    new Stack(root, "dev", "pulumi").removeTraces();
    assert.deepEqual(readdirSync(stacks), ["dev2.json.18ebb9ea2e8f7634.tmp"]);
  });

  const url = "awskms://1234abcd?region=eu-central-1";
  const provider = `secretsprovider: ${url}\n`;
  const cases: [string, string, string | undefined, string][] = [
    ["a KMS key that has encrypted something", `${provider}encryptedkey: a2V5\n`, url, ""],
    ["a KMS key that has encrypted nothing yet", provider, url, "encryptedkey: bmV3\n"],
    ["a passphrase", "encryptionsalt: v1:x\n", undefined, ""],
    ["no secrets provider", "", undefined, "encryptionsalt: v1:new\n"],
  ];
  for (const [what, text, expected, added] of cases) {
    it(`is created with the secrets provider that its settings name: ${what}`, async () => {
      const root = projectFolder();
      const settings = put(join(root, "Pulumi.dev.yaml"), `# mine\nconfig: {}\n${text}`);
      const calls = join(root, "calls");
      // An engine that writes the file as the genuine one does: anew, and only where it adds something.
      const engine = program(
        join(root, "bin/pulumi"),
        `[ "$1" = version ] && echo v3.248.0 && exit
         [ "$2" = ls ] && echo '[]' && exit
         echo "$*" >> '${calls}'
         grep -q '^encrypt' '${settings}' || printf '%s\\n' 'config: {}' '${added.trim()}' > '${settings}'`,
      );
      await new Stack(root, "dev", engine).createIfMissing();
      const flags = expected === undefined ? "" : ` --secrets-provider ${expected}`;
      assert.equal(readFileSync(calls, "utf8"), `stack init dev${flags} --non-interactive\n`);
      assert.equal(readFileSync(settings, "utf8"), `# mine\nconfig: {}\n${text}${added}`);
    });
  }

  it("repeats the interrupted creation of scripts and random values, not of a server", () => {
    const operation = (type: string) => ({ resource: { type } });
    assert.equal(isRepeatable(operation("command:remote:Command")), true);
    assert.equal(isRepeatable(operation("random:index/randomPassword:RandomPassword")), true);
    assert.equal(isRepeatable(operation("aws:ec2/instance:Instance")), false);
  });

  it("explains a wrong passphrase, and no other error", () => {
    const root = projectFolder();
    const wrong = explain("error: get stack secrets manager: incorrect passphrase", root, "dev");
    assert.match(wrong?.message ?? "", /\.local\/passphrase/);
    assert.equal(explain("error: update failed", root, "dev"), undefined);
  });

  it("explains a lock by its holder: on this computer, on another, or unknown", () => {
    const lock = (host: string) =>
      explain(
        `error: the stack is currently locked by 1 lock(s). …\n  .pulumi/locks/x.json: created by a@${host} (pid 42) at 2026-01-02T03:04:05Z`,
        projectFolder(),
        "dev",
      )?.message;
    assert.match(
      lock(hostname()) ?? "",
      /^Another pulumi \(process 42, since 2026-01-02 03:04:05\) is working on stack dev\. Nothing was changed\.\nFix: wait until it has ended, or stop it/,
    );
    const elsewhere =
      /Check whether it is still running: .* Actions page .*\nFix: only if it has certainly ended, .*; pulumi cancel --stack dev\n.*npm run preview -- dev --refresh/;
    assert.match(lock("runner-1") ?? "", /^Another pulumi \(process 42 on runner-1, since /);
    assert.match(lock("runner-1") ?? "", elsewhere);
    const cloud = explain("error: [409] Conflict: Another update is currently in progress.", projectFolder(), "dev");
    assert.match(cloud?.message ?? "", /^Another pulumi is working on stack dev\. /);
    assert.match(cloud?.message ?? "", elsewhere);
  });

  it("reads the name of the project", () => {
    assert.equal(projectName("description: x\nname: uwsgi-nginx # here\n"), "uwsgi-nginx");
    assert.throws(() => projectName("runtime: nodejs\n"), /no 'name'/);
  });
});

describe("markers", () => {
  afterEach(removeProjectFolders);

  it("repeat the type check if a source, its name or the compiler's settings change", () => {
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

  it("remember for a day that the download site is unreachable", () => {
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

  it("of the engine are supported from 3.188.0 up to the next major version", () => {
    for (const version of ["3.188.0", "v3.188.1", "v3.1000.0-alpha.1", "3.248.0\n"]) {
      assert.equal(isSupported(version), true, version);
    }
    for (const version of ["3.187.99", "v3.99.0", "4.0.0", "2.200.0", "", "what?"]) {
      assert.equal(isSupported(version), false, version);
    }
  });

  it("of packages must be exact in package.json", () => {
    const root = projectFolder();
    assert.equal(pinnedVersion(root, "@pulumi/command"), "1.2.1");
    put(join(root, "package.json"), JSON.stringify({ dependencies: { a: "^1.0.0" } }));
    assert.throws(() => pinnedVersion(root, "a"), /must pin a to an exact version/);
    assert.throws(() => pinnedVersion(root, "b"), /must pin b/);
  });

  it("of the engine built from the Go module and of the SDK are the same", () => {
    const { version, go } = engineModule(checkout);
    assert.equal(version, pinnedVersion(checkout, "@pulumi/pulumi"), "update both go.mod and package.json");
    assert.match(go, /^1\.\d+/, "the oldest Go version is read from go.mod");
    const sdk = /^\s*github\.com\/pulumi\/pulumi\/sdk\/v3 v(\S+)/m.exec(
      readFileSync(join(engineModule(checkout).folder, "go.mod"), "utf8"),
    )?.[1];
    assert.equal(sdk, version, "go.mod must have one version of the engine's modules");
  });
});
