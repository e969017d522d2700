import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensurePassphrase } from "../../../toolchain/passphrase.mjs";
import { projectFolder, put, removeProjectFolders } from "./support";

describe("passphrase", () => {
  afterEach(removeProjectFolders);

  it("is made once, at random, for its owner only", () => {
    const [root, other] = [projectFolder(), projectFolder()];
    ensurePassphrase(root, {});
    ensurePassphrase(other, {});
    const file = join(root, ".local/passphrase");
    const passphrase = readFileSync(file, "utf8");
    assert.match(passphrase, /^[\w-]{43}\n$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.notEqual(readFileSync(join(other, ".local/passphrase"), "utf8"), passphrase);
    ensurePassphrase(root, {});
    assert.equal(readFileSync(file, "utf8"), passphrase);
    assert.deepEqual(readdirSync(join(root, ".local")).sort(), ["offline", "passphrase"]);
  });

  it("is not made anew while there is a stack that needs the old one", () => {
    const root = projectFolder();
    put(join(root, ".local/state/.pulumi/stacks/example/local.json"), "{}");
    assert.throws(() => {
      ensurePassphrase(root, {});
    }, /passphrase is missing|is missing, .* state of local/);
    assert.equal(existsSync(join(root, ".local/passphrase")), false);
  });

  it("may not be empty", () => {
    const root = projectFolder();
    put(join(root, ".local/passphrase"), "");
    assert.throws(() => {
      ensurePassphrase(root, {});
    }, /is empty/);
  });

  it("is the user's business when the user gives one, or keeps the state elsewhere", () => {
    const root = projectFolder();
    ensurePassphrase(root, { PULUMI_CONFIG_PASSPHRASE: "mine" });
    ensurePassphrase(root, { PULUMI_BACKEND_URL: "s3://states" });
    assert.equal(existsSync(join(root, ".local/passphrase")), false);
    assert.throws(() => {
      ensurePassphrase(root, { PULUMI_CONFIG_PASSPHRASE_FILE: join(root, "none") });
    }, /which does not exist/);
  });
});
