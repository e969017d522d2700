// What this project relies on in @pulumi/random; it holds for the genuine plugin and for its stand-in alike.
import assert from "node:assert/strict";
import { Workspace } from "../../support/engine";

describe("the random provider", function () {
  this.timeout("60s");
  this.slow("10s");

  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.temporary();
  });
  afterEach(() => Workspace.removeAll());

  const bytes = (epoch: number) => `
    import * as random from "@pulumi/random";
    const made = new random.RandomBytes("r", { length: 16, keepers: { epoch: "${epoch}" } });
    export const { hex, base64 } = made;
  `;

  it("makes bytes once, and again when a keeper changes", async () => {
    await workspace.writeProgram(bytes(1));
    await workspace.up();
    const first = await workspace.outputs();
    assert.match(String(first.hex), /^[0-9a-f]{32}$/);
    assert.equal(Buffer.from(String(first.base64), "base64").toString("hex"), first.hex);

    await workspace.up();
    assert.deepEqual(await workspace.outputs(), first);

    await workspace.writeProgram(bytes(2));
    const { output } = await workspace.up();
    assert.match(output, /1 replaced/);
    assert.notDeepEqual(await workspace.outputs(), first);
  });

  // As outputs, that is: the id of RandomBytes is its base64 text, and no id is secret. Use RandomPassword for a secret.
  it("keeps the outputs of bytes secret", async () => {
    await workspace.writeProgram(bytes(1));
    const { output } = await workspace.up();
    const { hex } = await workspace.outputs();

    assert.ok(!output.includes(String(hex)));
    assert.ok(!(await workspace.exportText()).includes(String(hex)));
  });

  it("does not know bytes at preview", async () => {
    await workspace.writeProgram(bytes(1));
    const { output } = await workspace.preview();

    assert.match(output, /hex\s*: (\[secret\]|\[unknown\]|output<string>)/);
  });

  it("makes passwords of the characters asked for, and keeps them secret", async () => {
    await workspace.writeProgram(`
      import * as random from "@pulumi/random";
      const password = new random.RandomPassword("r", { length: 24, special: false, minNumeric: 3 });
      export const { result, bcryptHash } = password;
      export const length = password.length;
    `);
    await workspace.up();
    const { result, bcryptHash, length } = await workspace.outputs();

    assert.match(String(result), /^[A-Za-z0-9]{24}$/);
    assert.ok((String(result).match(/\d/g) ?? []).length >= 3);
    assert.match(String(bcryptHash), /^\$2[aby]\$10\$/);
    assert.equal(length, 24);
    const state = await workspace.exportText();
    assert.ok(!state.includes(String(result)) && !state.includes(String(bcryptHash)));
  });

  it("makes ids and strings, which are no secrets", async () => {
    await workspace.writeProgram(`
      import * as random from "@pulumi/random";
      const id = new random.RandomId("i", { byteLength: 4, prefix: "app-" });
      const text = new random.RandomString("s", { length: 8, upper: false, special: false });
      export const { hex, dec, b64Url } = id;
      export const idOfId = id.id;
      export const { result } = text;
    `);
    await workspace.up();
    const { hex, dec, b64Url, idOfId, result } = await workspace.outputs();

    assert.match(String(hex), /^app-[0-9a-f]{8}$/);
    assert.equal(dec, `app-${parseInt(String(hex).slice(4), 16)}`);
    assert.equal(b64Url, `app-${String(idOfId)}`);
    assert.match(String(result), /^[a-z0-9]{8}$/);
    assert.ok((await workspace.exportText()).includes(String(result)));
  });
});
