import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root as checkout } from "../../support/root";
import { program, projectFolder, put, removeProjectFolders } from "./support";

const { scripts } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

describe("the start of npm scripts", () => {
  afterEach(removeProjectFolders);

  /** A checkout without packages, in which npm is a fake that logs its arguments. */
  function freshCheckout(npm = "") {
    const root = projectFolder();
    mkdirSync(join(root, "toolchain"));
    copyFileSync(join(checkout, "toolchain/bootstrap.mjs"), join(root, "toolchain/bootstrap.mjs"));
    lock(join(root, "package-lock.json"), {
      "": {},
      "node_modules/a": a,
      "node_modules/mac": { ...a, optional: true },
    });
    program(join(root, "programs/npm"), `echo "$*" >> '${join(root, "calls")}'\n${npm}`);
    return root;
  }
  const a = { version: "1.0.0", integrity: "sha512-a" };
  const lock = (file: string, packages: object) => put(file, JSON.stringify({ packages }));

  function run(root: string, script = "node toolchain/bootstrap.mjs help", nodeVersion = process.versions.node) {
    const versions = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${nodeVersion}" } })`;
    const preload = put(join(root, "versions.mjs"), versions);
    const [command = "", ...args] = script.split(" ");
    assert.equal(command, "node");
    const env = { ...process.env, PATH: `${join(root, "programs")}${delimiter}${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", preload, ...args], {
      ...{ cwd: root, env },
      encoding: "utf8",
    });
    const calls = existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8") : "";
    return { status, calls, output: stdout + stderr };
  }

  for (const [name, script] of Object.entries(scripts)) {
    it(`installs the packages first in a fresh clone: npm run ${name}`, () => {
      const { status, calls, output } = run(freshCheckout("echo no network >&2; exit 7"), script);
      assert.equal(calls, "ci --no-progress\n", output);
      assert.match(output, /'npm ci' failed \(exit code 7\)\.\n {4}no network\nFix: /);
      assert.equal(status, 1);
    });
  }

  const installed: [string, object, boolean][] = [
    ["exactly the locked ones, without optional ones", { "node_modules/a": a }, true],
    ["fewer", {}, false],
    ["another version", { "node_modules/a": { ...a, version: "1.0.1" } }, false],
    ["another content", { "node_modules/a": { ...a, integrity: "sha512-b" } }, false],
    ["more", { "node_modules/a": a, "node_modules/b": a }, false],
  ];
  for (const [what, packages, isComplete] of installed) {
    it(`${isComplete ? "keeps" : "replaces"} the installed packages if they are ${what}`, () => {
      const root = freshCheckout("exit 7");
      lock(join(root, "node_modules/.package-lock.json"), packages);
      assert.equal(run(root).calls, isComplete ? "" : "ci --no-progress\n");
    });
  }

  it("makes .local for its owner only, before anything else", () => {
    const root = freshCheckout("stat -c %a .local >> calls; exit 7");
    rmSync(join(root, ".local"), { recursive: true });
    assert.equal(run(root).calls, "ci --no-progress\n700\n");
  });

  it("closes all of a .local that an earlier version left open, and what is made in it meanwhile, but not what links lead to", () => {
    const made = "mkdir -m 755 .local/new; touch .local/new/file; chmod 644 .local/new/file";
    const root = freshCheckout(`stat -c %a .local .local/bin/program >> calls; ${made}; exit 7`);
    program(join(root, ".local/bin/program"));
    const outside = program(join(root, "outside"));
    symlinkSync(outside, join(root, ".local/link"));
    assert.equal(run(root).calls, "ci --no-progress\n700\n700\n");
    const mode = (name: string) => (statSync(join(root, name)).mode & 0o777).toString(8);
    const names = readdirSync(join(root, ".local"), { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(
      names.map((name) => `${name} ${mode(join(".local", name))}`),
      ["bin 700", "bin/program 700", "link 755", "new 700", "new/file 600", "offline 600"],
    );
  });

  const versions: [string, string, RegExp | undefined][] = [
    ["18.20.0", "start", /^This is Node 18\.20\.0\. Nothing was changed\.\nFix: install Node 20 or newer/m],
    ...["20.18.9", "21.7.0", "22.12.0", "23.9.0"].flatMap((version): [string, string, RegExp | undefined][] => [
      [version, "test", /Fix: install Node 20\.19, 22\.13, or 24 or newer .* the tests need/],
      [version, "start", undefined],
    ]),
    ...["20.19.0", "22.13.1", "24.0.0", "25.1.0"].map((version): [string, string, undefined] => [
      version,
      "test",
      undefined,
    ]),
  ];
  for (const [version, command, message] of versions) {
    it(`${message ? "rejects" : "accepts"} Node ${version} for npm run ${command}`, () => {
      const { calls, output } = run(freshCheckout("exit 7"), `node toolchain/bootstrap.mjs ${command}`, version);
      if (message) assert.match(output, message);
      assert.equal(calls, message ? "" : "ci --no-progress\n");
    });
  }

  it("asks for the Node that the packages of the tests and the README ask for", () => {
    const { packages } = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8"));
    assert.equal(packages["node_modules/eslint"].engines.node, "^20.19.0 || ^22.13.0 || >=24", "the narrowest of them");
    const readme = readFileSync(join(checkout, "README.md"), "utf8");
    assert.ok(readme.includes("Node 20.19, 22.13, or 24 or newer,"), "README.md must name the Node that tests need");
  });
});
