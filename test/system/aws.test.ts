// The product on the fake AWS: the genuine engine, the product's program, instances whose cloud-init really runs the
// user-data. Each scenario says what it starts from.
import assert from "node:assert/strict";
import { awsHints } from "../../servers/aws/hints";
import { hints } from "../../toolchain/engine/hints";
import type { Account } from "../fakes/aws/account.mjs";
import { canRun, CloudStack, devSystem, officialImageOf } from "../support/cloud";
import { httpGet } from "../support/load";
import { waitFor } from "../support/waitFor";

const grown = { instanceType: "t3.small", rootVolumeGib: 12 };
const later = { ...grown, amiId: "ami-00000000000000003" };
const hello = "<h1 style='color:blue'>Hello There!</h1>";

describe("a stack on AWS", function () {
  this.timeout(600_000);

  let stack: CloudStack;
  /** The first server's image. */
  let own: Account["images"][number];
  /** Its address is the same for the stack's life. */
  let url: string | undefined;
  const page = async () => {
    url ??= String((await stack.outputs()).url);
    return (await httpGet(url)).text;
  };
  /** CentOS 7 has no future: in the middle of its life the stack moves to Debian. */
  const configureLater = (server: Record<string, unknown> = {}) =>
    stack.configure({ ...later, ...server }, {}, "debian12");
  /** Publishes the image of that time. */
  const publishLater = async () => {
    const image = { ...(await officialImageOf("debian12")), ...{ id: later.amiId, owner: "self", name: "own" } };
    stack.cloud.change(({ images }) => {
      if (images.every(({ id }) => id !== image.id)) images.push(image);
    });
  };
  const given = {
    deployed: (server: Record<string, unknown> = {}) => stack.deployed(server),
    async movedToDebian(server: Record<string, unknown> = {}): Promise<void> {
      await publishLater();
      await stack.deployed({ ...later, ...server }, {}, "debian12");
    },
  };
  const changes = (output: string) => /^Resources:\n(?: {4}.*\n)+/m.exec(output)?.[0] ?? output;

  before(async function () {
    if (!canRun) this.skip();
    stack = await CloudStack.make(await devSystem());
    await stack.configure();
    own = await officialImageOf(stack.system);
  });
  after(() => CloudStack.removeAll());

  it("previews a new stack without creating anything", async () => {
    const { output } = await stack.preview();
    assert.match(output, /aws:ec2:Instance +server +create/);
    assert.deepEqual(stack.instances(), []);
  });

  it("serves the page from an instance that its user-data has set up", async () => {
    await given.deployed();
    assert.equal(await page(), hello);
    const { url, sshCommand } = await stack.outputs();
    assert.match(String(url), /^http:\/\/127\.77\.\d+\.\d+\/$/);
    const user = stack.system === "centos7" ? "centos" : "admin";
    assert.match(
      String(sshCommand),
      new RegExp(`^ssh -i \\.local/servers/dev/id_ed25519 .* ${user}@127\\.77\\.\\d+\\.\\d+$`),
    );
  });

  it("keeps the server's private key out of outputs, previews and the state's clear text", async () => {
    await given.deployed();
    const { stdout } = await stack.preview("--diff", "--show-sames", "--show-secrets=false");
    const outputs = JSON.stringify(await stack.outputs());
    for (const text of [stdout, outputs, await stack.exportText()])
      assert.doesNotMatch(text, /PRIVATE KEY|#cloud-config/);
  });

  it("changes nothing with a second up, and keeps the server's image when a newer one is published", async () => {
    await given.deployed();
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
    stack.cloud.change(({ images }) => images.unshift({ ...own, id: "ami-00000000000000002" }));
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
    stack.cloud.change((account) => (account.images = []));
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/, "even when it is withdrawn");
    stack.cloud.change((account) => (account.images = [own]));
  });

  it("accepts the running image as the setting amiId without a change", async () => {
    await given.deployed();
    await stack.configure({ amiId: own.id });
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("starts a stopped instance again after a refresh", async () => {
    await given.deployed();
    const [id = ""] = stack.instances();
    stack.cloud.turn(id, "stopped");
    const drift = await stack.run("preview", "--stack", stack.stack, "--refresh", "--expect-no-changes");
    assert.notEqual(drift.code, 0);
    assert.match(drift.output, /InstanceState +server-running +update +\[diff: ~state\]/);
    await stack.up("--refresh");
    assert.equal(stack.cloud.account.instances[id]?.state, "running");
    await waitFor("the page", async () => (await page().catch(() => "")) === hello, 60);
  });

  it("leaves the instance alone when its new type does not exist or its volume would shrink, in a preview too", async () => {
    await given.deployed();
    await stack.configure({ instanceType: "t3.mikro", rootVolumeGib: 9 });
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, output } = await stack.run(...command, "--stack", stack.stack);
      assert.notEqual(code, 0, output);
      assert.match(
        output,
        /The server was not changed, because preflight checks failed\.\s+- The instance type t3\.mikro in eu-central-1 cannot be looked up/,
      );
      assert.match(
        output,
        /- The root volume has 10 GiB and cannot shrink to 9\.\s+Fix: set server\.rootVolumeGib to 10\./,
      );
    }
    assert.equal(await page(), hello);
  });

  it("enlarges the instance, and starts it again after its zone had no capacity", async () => {
    await given.deployed();
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

  it("opens the server's ports only to the networks in the settings", async () => {
    await given.deployed(grown);
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

  it("explains within two minutes why it cannot log in from another network, and goes on once that one is added", async () => {
    await given.deployed(grown);
    await stack.configure({ ...grown, sshCidrs: ["203.0.113.0/24"] }, { processes: 2 });
    const start = Date.now();
    const { output } = await stack.failUp();
    const seconds = (Date.now() - start) / 1000;
    assert.ok(seconds < 120, `it should give up within 120 s, and took ${seconds}`);
    assert.match(output, /dial tcp 127\.77\.\d+\.\d+:22: connect: connection refused/);
    assert.match(hints(output, "dev", awsHints).join("\n"), /server\.sshCidrs contains the address of your computer/);
    assert.equal(await page(), hello);
    await stack.configure(grown, { processes: 2 });
    await stack.up();
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("replaces the server by one with another platform at the same address", async () => {
    await stack.deployed(grown, { processes: 2 });
    const [before] = stack.instances();
    const { url } = await stack.outputs();
    await publishLater();
    await configureLater();
    assert.match((await stack.preview()).output, /aws:ec2:Instance +server +replace/);
    await stack.up();
    const [now, ...others] = stack.instances();
    assert.notEqual(now, before);
    assert.deepEqual(others, []);
    assert.equal((await stack.outputs()).url, url);
    assert.equal(await page(), hello);
  });

  it("creates the instance again after somebody has terminated it", async () => {
    await given.movedToDebian();
    const [id = ""] = stack.instances();
    stack.cloud.terminate(id);
    await stack.up("--refresh");
    assert.equal(stack.instances().length, 1);
    assert.equal(await page(), hello);
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("previews the replacement of the server for a new host key", async () => {
    await given.movedToDebian();
    const rotate = ["--replace", "**RandomPassword::server-host-key"];
    assert.match((await stack.preview(...rotate)).output, /aws:ec2:Instance +server +replace/);
  });

  it("neither replaces nor destroys a protected server, and begins nothing", async () => {
    await given.movedToDebian({ terminationProtection: true });
    const before = stack.cloud.account;
    const destroy = await stack.run("destroy", "--yes", "--stack", stack.stack);
    await configureLater({ terminationProtection: true, amiId: own.id });
    for (const { code, output } of [destroy, await stack.failUp()]) {
      assert.notEqual(code, 0);
      assert.match(
        hints(output, "dev", awsHints).join("\n"),
        /set server\.terminationProtection to false, run npm run up -- dev, then/,
      );
    }
    assert.deepEqual(stack.cloud.account, before);
    assert.equal(await page(), hello);
    await configureLater({ terminationProtection: true });
    assert.match(changes((await stack.up()).output), /^Resources:\n {4}\d+ unchanged\n$/);
  });

  it("removes the protection when the setting says so", async () => {
    await given.movedToDebian({ terminationProtection: true });
    await configureLater();
    await stack.up();
    const [id = ""] = stack.instances();
    assert.equal(stack.cloud.account.instances[id]?.protected, false);
  });

  it("destroys the stack after the instance was terminated by hand, and leaves nothing", async () => {
    await given.movedToDebian();
    const [id = ""] = stack.instances();
    stack.cloud.terminate(id);
    await stack.destroy();
    const { groups, keyPairs, addresses, others } = stack.cloud.account;
    assert.deepEqual([groups, keyPairs, addresses, others, stack.instances()], [{}, {}, {}, {}, []]);
    assert.deepEqual((await stack.export()).resources, []);
  });
});
