import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensurePassphrase } from "../../../toolchain/engine/passphrase";
import { projectFolder, put, removeProjectFolders } from "./support";

describe("passphrase", () => {
  afterEach(removeProjectFolders);

  it("creates a random passphrase once, readable by its owner only", () => {
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

  it("creates no passphrase while a stack needs the old one", () => {
    const root = projectFolder();
    put(join(root, ".local/state/.pulumi/stacks/example/local.json"), "{}");
    assert.throws(() => {
      ensurePassphrase(root, {});
    }, /is missing, and the secrets of local cannot be decrypted without it\. Nothing was changed\.\nFix: restore/);
    assert.equal(existsSync(join(root, ".local/passphrase")), false);
  });

  it("rejects an empty passphrase file", () => {
    const root = projectFolder();
    put(join(root, ".local/passphrase"), "");
    assert.throws(() => {
      ensurePassphrase(root, {});
    }, /is empty/);
  });

  it("creates no passphrase if the user sets one, or keeps the state elsewhere", () => {
    const root = projectFolder();
    ensurePassphrase(root, { PULUMI_CONFIG_PASSPHRASE: "mine" });
    ensurePassphrase(root, { PULUMI_BACKEND_URL: "s3://states" });
    assert.equal(existsSync(join(root, ".local/passphrase")), false);
    assert.throws(() => {
      ensurePassphrase(root, { PULUMI_CONFIG_PASSPHRASE_FILE: join(root, "none") });
    }, /which does not exist/);
  });
});
