// The product on AWS, as far as the double of the cloud goes: the genuine engine, the exact program, instances whose
// cloud-init really runs the user-data.
import assert from "node:assert/strict";
import { hints } from "../../toolchain/hints.mjs";
import { canRun, CloudStack, officialImage } from "../support/cloud";
import { ask } from "../support/load";
import { waitFor } from "../support/waitFor";

const ownImage = { amiId: "ami-00000000000000003" };
const grown = { instanceType: "t3.small", rootVolumeGib: 12 };
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

  it("takes its running image as its own, and then keeps that", async () => {
    stack.cloud.change((account) => (account.images = [officialImage]));
    await stack.configure({ amiId: officialImage.id });
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
    await stack.configure();
  });

  it("is found stopped by a refresh, and started again", async () => {
    const [id = ""] = stack.instances();
    stack.cloud.turn(id, "stopped");
    const drift = await stack.run("preview", "--stack", stack.stack, "--refresh", "--expect-no-changes");
    assert.notEqual(drift.code, 0);
    assert.match(drift.output, /InstanceState +host-running +update +\[diff: ~state\]/);
    await stack.up("--refresh");
    assert.equal(stack.cloud.account.instances[id]?.state, "running");
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 60);
  });

  it("is left alone when its new type does not exist or its volume would shrink, in a preview too", async () => {
    await stack.configure({ instanceType: "t3.mikro", rootVolumeGib: 9 });
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, output } = await stack.run(...command, "--stack", stack.stack);
      assert.notEqual(code, 0, output);
      assert.match(
        output,
        /The server was not changed:\s+- the instance type t3\.mikro in eu-central-1 cannot be looked up/,
      );
      assert.match(output, /- its root volume has 10 GiB and cannot shrink: set host\.rootVolumeGib to that/);
    }
    assert.equal(await page(), hello);
  });

  it("grows, and is started again where its zone had no such machines", async () => {
    await stack.configure({ instanceType: "t3.small", rootVolumeGib: 12 });
    stack.fail("EC2: StartInstances", "Unsupported: t3.small is not supported in your requested Availability Zone");
    const [id = ""] = stack.instances();
    await stack.failUp();
    assert.equal(stack.cloud.account.instances[id]?.state, "stopped");
    await stack.up("--refresh");
    const { state, volumeGib } = stack.cloud.account.instances[id] ?? {};
    assert.deepEqual([state, volumeGib, stack.instances()], ["running", 12, [id]]);
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 60);
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("opens its ports to those who are named only", async () => {
    await stack.configure({ ...grown, webCidrs: ["203.0.113.0/24", "::/0"] });
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
    await stack.configure(grown);
    await stack.up();
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 30);
  });

  it("is replaced by another image on purpose, with all that is on it, at the same address", async () => {
    const [before] = stack.instances();
    const { url } = await stack.outputs();
    stack.cloud.change(({ images }) =>
      images.push({ id: "ami-00000000000000003", owner: "self", name: "own", architecture: "x86_64", platform: "" }),
    );
    await stack.configure({ ...grown, ...ownImage });
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

  it("is replaced with another key on purpose", async () => {
    const [before] = stack.instances();
    const key = async () => (await stack.resource("host-known-hosts"))?.inputs?.stdin;
    const knownKey = await key();
    await stack.up("--replace", "**RandomPassword::host-host-key");
    assert.notDeepEqual(stack.instances(), [before]);
    assert.notEqual(await key(), knownKey);
    assert.equal(await page(), hello);
  });

  it("is neither replaced nor ended while it is protected, and nothing is begun", async () => {
    await stack.configure({ ...grown, ...ownImage, terminationProtection: true });
    await stack.up();
    const before = stack.cloud.account;
    const destroy = await stack.run("destroy", "--yes", "--stack", stack.stack);
    await stack.configure({ ...grown, terminationProtection: true, amiId: officialImage.id });
    for (const { code, output } of [destroy, await stack.failUp()]) {
      assert.notEqual(code, 0);
      assert.match(
        hints(output, "dev").join("\n"),
        /set host\.terminationProtection to false, npm run up -- dev, then/,
      );
    }
    assert.deepEqual(stack.cloud.account, before);
    assert.equal(await page(), hello);
    await stack.configure({ ...grown, ...ownImage, terminationProtection: true });
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("is not protected any more once that is said", async () => {
    await stack.configure({ ...grown, ...ownImage });
    await stack.up();
    const [id = ""] = stack.instances();
    assert.equal(stack.cloud.account.instances[id]?.protected, false);
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
