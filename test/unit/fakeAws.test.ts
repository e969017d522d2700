// The fake AWS accepts only inputs that the SDK's types have, and its firewall only lets in what its rules allow.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lets } from "../fakes/aws/account.mjs";
import { failures } from "../fakes/aws/failures.mjs";
import { type Shape, writeShapes } from "../fakes/aws/shapes";

describe("the fake AWS", () => {
  const folder = mkdtempSync(join(tmpdir(), "shapes-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("the fake AWS rejects inputs that the SDK does not know, inputs of a wrong type, and missing ones, at any depth", () => {
    const tokens = ["aws:ec2/instance:Instance", "aws:ec2/keyPair:KeyPair", "aws:ec2/getAmi:getAmi"];
    writeShapes(tokens, join(folder, "shapes.json"));
    const { shapes } = JSON.parse(readFileSync(join(folder, "shapes.json"), "utf8")) as {
      shapes: Record<string, Shape>;
    };
    const [instance, keyPair, getAmi] = tokens.map((token) => shapes[token]);
    assert.ok(instance && keyPair && getAmi, "a shape is missing in shapes.json");
    const reasons = (...args: Parameters<typeof failures>) => failures(...args).map(({ reason }) => reason);
    assert.deepEqual(reasons(instance, { instanceType: "t3.micro", rootBlockDevice: { volumeSize: 10 } }), []);
    assert.deepEqual(reasons(instance, { instanceTyp: "t3.micro" }), ["@pulumi/aws knows no input 'instanceTyp'"]);
    assert.deepEqual(reasons(instance, { rootBlockDevice: { size: 10 } }), [
      "@pulumi/aws knows no input 'rootBlockDevice.size'",
    ]);
    assert.deepEqual(reasons(instance, { monitoring: "yes" }), ['must be a boolean, not "yes"']);
    assert.deepEqual(reasons(instance, { vpcSecurityGroupIds: "sg-1" }), ["must be a list"]);
    assert.deepEqual(reasons(keyPair, {}), ["Missing required argument publicKey"]);
    assert.deepEqual(reasons(getAmi, { filters: [{ name: "image-id" }] }), ["Missing required argument values"]);
  });

  it("the fake AWS lets in connections by port and network of the same address family", () => {
    const rule = { protocol: "tcp", fromPort: 80, toPort: 80, cidrBlocks: ["192.0.2.0/24"], ipv6CidrBlocks: ["::/0"] };
    assert.equal(lets([rule], 80, "192.0.2.7"), true);
    assert.equal(lets([rule], 80, "198.51.100.7"), false);
    assert.equal(lets([rule], 80, "2001:db8::1"), true);
    assert.equal(lets([rule], 22, "192.0.2.7"), false);
    assert.equal(lets([], 80, "192.0.2.7"), false);
  });
});
