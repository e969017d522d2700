// The product on AWS, as far as the double of the cloud goes: the genuine engine, the exact program, instances whose
// cloud-init really runs the user-data.
import assert from "node:assert/strict";
import { canRun, CloudStack, officialImage } from "../support/cloud";
import { ask } from "../support/load";
import { waitFor } from "../support/waitFor";

const hello = "<h1 style='color:blue'>Hello There!</h1>";

describe("a stack on AWS", function () {
  this.timeout(600_000);
  this.bail(true);

  let stack: CloudStack;
  const page = async () => (await ask(String((await stack.outputs()).url))).text;
  const changes = (output: string) => /^Resources:\n(?: {4}.*\n)+/m.exec(output)?.[0] ?? output;

  before(async function () {
    if (!canRun) this.skip();
    stack = await CloudStack.make();
    await stack.configure();
  });
  after(() => CloudStack.removeAll());

  it("can be previewed before there is anything", async () => {
    const { output } = await stack.preview();
    assert.match(output, /aws:ec2:Instance +host +create/);
    assert.deepEqual(stack.instances(), []);
  });

  it("goes up to the page, from an instance that boots by its user-data", async () => {
    await stack.up();
    assert.equal(await page(), hello);
    const { url, sshCommand } = await stack.outputs();
    assert.match(String(url), /^http:\/\/127\.77\.\d+\.\d+\/$/);
    assert.match(String(sshCommand), /^ssh -i \.local\/hosts\/dev\/id_ed25519 .* admin@127\.77\.\d+\.\d+$/);
  });

  it("keeps the server's private key out of outputs, previews and the state's clear text", async () => {
    const { stdout } = await stack.preview("--diff", "--show-sames", "--show-secrets=false");
    const outputs = JSON.stringify(await stack.outputs());
    for (const text of [stdout, outputs, await stack.exportText()])
      assert.doesNotMatch(text, /PRIVATE KEY|#cloud-config/);
  });

  it("does nothing the second time, and keeps its image when a newer one is published", async () => {
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
    const newer = { ...officialImage, id: "ami-00000000000000002" };
    stack.cloud.change(({ images }) => images.unshift(newer));
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
    stack.cloud.change((account) => (account.images = []));
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/, "even when it is withdrawn");
  });

  it("survives a stop and start", async () => {
    const [id = ""] = stack.instances();
    stack.cloud.engine("restart", "--time=5", `uwsgi-nginx-cloud-${id}`);
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 60);
  });

  it("opens its ports to those who are named only", async () => {
    await stack.configure({ webCidrs: ["203.0.113.0/24"] });
    await stack.up();
    await waitFor(
      "the page to be closed",
      () =>
        page().then(
          () => false,
          () => true,
        ),
      30,
    );
    await stack.configure();
    await stack.up();
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 30);
  });

  it("is replaced by another image on purpose, with all that is on it, at the same address", async () => {
    const [before] = stack.instances();
    const { url } = await stack.outputs();
    stack.cloud.change(({ images }) =>
      images.push({ id: "ami-00000000000000003", owner: "self", name: "own", architecture: "x86_64", platform: "" }),
    );
    await stack.configure({ amiId: "ami-00000000000000003" });
    assert.match((await stack.preview()).output, /aws:ec2:Instance +host +replace/);
    await stack.up();
    const [now, ...others] = stack.instances();
    assert.notEqual(now, before);
    assert.deepEqual(others, []);
    assert.equal((await stack.outputs()).url, url);
    assert.equal(await page(), hello);
  });

  it("is made again after the instance was ended behind its back", async () => {
    const [id = ""] = stack.instances();
    stack.cloud.terminate(id);
    await stack.up("--refresh");
    assert.equal(stack.instances().length, 1);
    assert.equal(await page(), hello);
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("is not ended while it is protected", async () => {
    await stack.configure({ amiId: "ami-00000000000000003", terminationProtection: true });
    await stack.up();
    const { code, output } = await stack.run("destroy", "--yes", "--skip-preview", "--stack", stack.stack);
    assert.notEqual(code, 0);
    assert.match(output, /OperationNotPermitted: .*disableApiTermination/);
    assert.equal(stack.instances().length, 1);
  });

  it("is destroyed after the instance was ended by hand, and leaves nothing", async () => {
    const [id = ""] = stack.instances();
    stack.cloud.terminate(id);
    await stack.destroy();
    const { groups, keyPairs, addresses, others } = stack.cloud.account;
    assert.deepEqual([groups, keyPairs, addresses, others, stack.instances()], [{}, {}, {}, {}, []]);
    assert.deepEqual((await stack.export()).resources, []);
  });
});
