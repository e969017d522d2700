// What this project relies on in @pulumi/random, with the genuine plugin and with the offline plugin.
import assert from "node:assert/strict";
import { Workspace } from "../../support/engine";

describe("the random plugin", function () {
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

  it("makes random bytes once, and others when a keeper changes", async () => {
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

  // Only the outputs: the id of RandomBytes is its base64 text, and ids are never secret. A secret is a RandomPassword.
  it("keeps the outputs of random bytes secret", async () => {
    await workspace.writeProgram(bytes(1));
    const { output } = await workspace.up();
    const { hex } = await workspace.outputs();

    assert.ok(!output.includes(String(hex)), `the bytes should not be in the engine's output:\n${output}`);
    const state = await workspace.exportText();
    assert.ok(!state.includes(String(hex)), `the bytes should be encrypted in the state:\n${state}`);
  });

  it("does not know random bytes in a preview", async () => {
    await workspace.writeProgram(bytes(1));
    const { output } = await workspace.preview();

    assert.match(output, /hex\s*: (\[secret\]|\[unknown\]|output<string>)/);
  });

  it("makes passwords of the requested characters and keeps them secret", async () => {
    await workspace.writeProgram(`
      import * as random from "@pulumi/random";
      const password = new random.RandomPassword("r", { length: 24, special: false, minNumeric: 3 });
      export const { result, bcryptHash } = password;
      export const length = password.length;
    `);
    await workspace.up();
    const { result, bcryptHash, length } = await workspace.outputs();

    assert.match(String(result), /^[A-Za-z0-9]{24}$/);
    assert.match(String(result), /(\d.*){3}/);
    assert.match(String(bcryptHash), /^\$2[aby]\$10\$/);
    assert.equal(length, 24);
    const state = await workspace.exportText();
    for (const secret of [result, bcryptHash])
      assert.ok(!state.includes(String(secret)), `${String(secret)} should be encrypted in the state:\n${state}`);
  });

  it("makes ids and strings that are not secret", async () => {
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
    const state = await workspace.exportText();
    assert.ok(state.includes(String(result)), `the string should be in plain text in the state:\n${state}`);
  });
});
