// What AWS refuses: each is said with what to do, and the next up goes on from there.
import assert from "node:assert/strict";
import { awsHints } from "../../servers/aws/hints";
import { hints } from "../../toolchain/engine/hints";
import type { Instance } from "../fakes/aws/account.mjs";
import { canRun, CloudStack, officialImage, officialImageOf, subnets } from "../support/cloud";
import { httpGet } from "../support/load";

describe("a stack that AWS refuses", function () {
  this.timeout(300_000);

  let stack: CloudStack;
  before(async function () {
    if (!canRun) this.skip();
    stack = await CloudStack.make();
  });
  after(() => CloudStack.removeAll());

  const settings: [string, Record<string, unknown>, RegExp][] = [
    [
      "an instance type that does not exist",
      { instanceType: "t3.mikro" },
      /The instance type t3\.mikro in eu-central-1 cannot be looked up: .*InvalidInstanceType[^]*?Fix: set server\.instanceType/,
    ],
    [
      "an architecture that the region has no image for",
      { instanceType: "t4g.small" },
      /eu-central-1 has no image "debian-12-arm64-2\*" [^]*?Fix: set server\.amiId/,
    ],
    [
      "an image for another architecture",
      { instanceType: "t4g.small", amiId: officialImage.id },
      /The image ami-00000000000000001 is built for x86_64, but t4g\.small is arm64\.\s+Fix: change server\.instanceType or server\.amiId/,
    ],
    [
      "an image that is not there",
      { amiId: "ami-0123456789abcdef0" },
      /The image ami-0123456789abcdef0 in eu-central-1 cannot be looked up: .*no results[^]*?Fix: set server\.amiId/,
    ],
    [
      "a subnet without a way to the internet",
      { subnetId: subnets.privateSubnet },
      /The subnet subnet-00000000000000002 has no route to an internet gateway, [^]*?Fix: add a route to rtb-2, or set server\.subnetId/,
    ],
    [
      "a zone that is not ours",
      { dnsZone: "example.com" },
      /The zone example\.com cannot be looked up: .*no matching Route 53 Hosted Zone found[^]*?Fix: set server\.dnsZone/,
    ],
  ];
  for (const [what, server, expected] of settings) {
    it(`says in the preview what to do about ${what}`, async () => {
      await stack.configure(server);
      const { code, output } = await stack.run("preview", "--stack", stack.stack);
      assert.notEqual(code, 0, output);
      assert.match(output, expected);
    });
  }

  const refusals: [string, string, RegExp][] = [
    ["Credentials", "No valid credential sources found", /^AWS rejected your credentials/],
    ["EC2: ImportKeyPair", "InvalidKeyPair.Duplicate: The keypair already exists", /uses another name/],
    ["EC2: CreateSecurityGroup", "RequestLimitExceeded: Request limit exceeded.", /wait a minute/],
    ["EC2: RunInstances", "OptInRequired: You need to accept terms and subscribe.", /server\.amiId to another image/],
    ["EC2: RunInstances", "VcpuLimitExceeded: You have requested more vCPU capacity", /request a higher quota/],
    ["EC2: RunInstances", "InsufficientInstanceCapacity: no t3.micro", /server\.instanceType or server\.subnetId/],
    ["EC2: AllocateAddress", "AddressLimitExceeded: The maximum number of addresses", /request a higher quota/],
  ];
  for (const [operation, error, hint] of refusals) {
    it(`gives a hint when AWS answers ${error}`, async () => {
      // What a case before it has made is not asked for again.
      await stack.destroy();
      await stack.configure();
      stack.fail(operation, error);
      const { output } = await stack.failUp();
      assert.match(output, new RegExp(error.split(":")[0] ?? ""));
      assert.match(hints(output, "dev", awsHints).join("\n"), hint);
    });
  }

  it("shows cloud-init's own report when a server's first boot fails", async () => {
    // An image whose own script fails, and without curl, with which Amazon's agent is downloaded.
    const [bare, prepared] = [await officialImageOf("debian12", true), await officialImageOf("debian12")];
    stack.cloud.change((account) => (account.images = [bare]));
    await stack.configure({ ssmAccess: true });
    const { output } = await stack.failUp();
    stack.cloud.change((account) => (account.images = [prepared]));
    assert.match(output, /status: error/);
    assert.match(output, /Warning: The SSM agent was not installed: https:\/\/s3\.\S+\.deb cannot be downloaded\./);
    assert.match(output, /Error: The first boot failed \(cloud-init\)\./);
  });

  it("continues after each refusal, deploys once AWS allows it, and leaves no second copy of anything", async () => {
    const domain = "www.example.org";
    await stack.destroy();
    await stack.configure({ dnsZone: "example.org" }, { domains: [domain] });
    for (const [operation, error] of [
      ["EC2: CreateSecurityGroup", "RequestLimitExceeded: Request limit exceeded."],
      ["EC2: RunInstances", "InsufficientInstanceCapacity: no t3.micro"],
      ["EC2: AllocateAddress", "AddressLimitExceeded: The maximum number of addresses"],
      ["Route 53: ChangeResourceRecordSets", "Throttling: Rate exceeded"],
    ] as const) {
      stack.fail(operation, error);
      assert.match((await stack.failUp()).output, new RegExp(error.split(":")[0] ?? ""));
    }
    await stack.up();
    const { url, address } = await stack.outputs();
    assert.equal(url, `http://${domain}/`);
    assert.match((await httpGet(`http://${String(address)}/`, { host: domain })).text, /Hello There!/);
    const { groups, keyPairs, addresses, others } = stack.cloud.account;
    assert.equal(stack.instances().length, 1);
    assert.deepEqual(
      [groups, keyPairs, addresses, others].map((it) => Object.keys(it).length),
      [1, 1, 1, 1],
    );
    assert.deepEqual(Object.values(others), [{ zoneId: "Z1", name: domain, type: "A", ttl: 300, records: [address] }]);
  });

  it("destroys all but what something else uses, names that, and connects to no server for it", async () => {
    await stack.deployed({ dnsZone: "example.org" }, { domains: ["www.example.org"] });
    const [id = ""] = stack.instances();
    stack.cloud.turn(id, "stopped");
    const [group = ""] = Object.keys(stack.cloud.account.groups);
    // Another server in the stack's security group.
    const foreign = {
      state: "running",
      container: "",
      groups: [group],
      protected: true,
      keyName: "",
      ami: "",
      volumeGib: 8,
    };
    stack.cloud.change(({ instances }) => (instances["i-foreign"] = foreign as Instance));
    const { code, output } = await stack.run("destroy", "--yes", "--skip-preview", "--stack", stack.stack);
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`DependencyViolation: resource ${group} has a dependent object`));
    assert.match(hints(output, "dev", awsHints).join("\n"), /^Another resource on AWS still uses this one/m);
    assert.deepEqual(stack.instances(), ["i-foreign"]);
    stack.cloud.change(({ instances }) => delete instances["i-foreign"]);
    await stack.destroy();
    const { groups, keyPairs, addresses, others } = stack.cloud.account;
    assert.deepEqual([groups, keyPairs, addresses, others, stack.instances()], [{}, {}, {}, {}, []]);
  });
});
