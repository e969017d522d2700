// Errors of the engine, its plugins and AWS, from failed runs, and the hints that the kinds of servers have for them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { platforms, type Platform } from "../../platforms";
import { serverKinds } from "../../servers/registry";
import { root } from "../support/root";

type Kind = keyof typeof serverKinds;

const hintsFor = (kind: Kind, error: string) =>
  serverKinds[kind].hints.filter(({ pattern }) => pattern.test(error)).map(({ hint }) => hint("dev"));

const refused = "after 10 failed attempts: dial tcp 203.0.113.7:22: connect: connection refused";
const mismatch = "after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch";
const rejectedKey =
  "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain";

const cases: [Kind, string, RegExp][] = [
  [
    "container",
    "after 10 failed attempts: dial tcp 127.0.0.1:2222: connect: connection refused",
    /npm start -- dev\n.*npm run up -- dev --replace '\*\*command:local:Command::server'/,
  ],
  ["container", mismatch, /^The container has another host key[^]*--replace/],
  ["container", rejectedKey, /^The container rejected the login key[^]*--replace/],
  [
    "container",
    "cannot listen on the TCP port: listen tcp4 127.0.0.1:8080: bind: address already in use",
    /server\.httpPort or server\.sshPort/,
  ],
  ["ssh", refused, /^The server does not respond/],
  ["ssh", "after 10 failed attempts: dial tcp 203.0.113.7:22: i/o timeout", /^The server does not respond/],
  ["ssh", "dial tcp: lookup no.example.org on 192.0.2.1:53: no such host", /^The server does not respond/],
  ["ssh", refused, /If other steps did connect, a firewall limits SSH connections: see docs\/existing-server\.md/],
  ...[
    "dial tcp 203.0.113.7:22: connect: connection reset by peer",
    "ssh: handshake failed: read tcp 192.0.2.2:40022->203.0.113.7:22: read: connection reset by peer",
    "ssh: handshake failed: EOF",
  ].map((error): [Kind, string, RegExp] => [
    "ssh",
    `after 10 failed attempts: ${error}`,
    /^The server breaks off new SSH connections[^]*\nFix: lift the limit for the address that you deploy from/,
  ]),
  ["ssh", mismatch, /^The server has another host key than server\.hostKey/],
  ["ssh", rejectedKey, /^The server, or the bastion if 'proxy:' precedes the error, rejected the login key/],
  ["ssh", "x509: decryption password incorrect", /^The passphrase does not fit the private key/],
  ["ssh", "proxy: after 0 failed attempts: ssh: rejected: administratively prohibited (open failed)", /^The bastion/],
  ["ssh", "proxy: after 10 failed attempts: ssh: rejected: connect failed (Connection refused)", /^The bastion/],
  ["ssh", "sudo: no password was provided\nsudo: 1 incorrect password attempt", /^The user can no longer become root/],
  ["aws", refused, /server\.sshCidrs/],
  ["aws", mismatch, /^Another server responds/],
  ["aws", rejectedKey, /docs\/aws\.md[^]*server\.platform .*server\.amiId.*server\.user/],
  ["aws", "error: No valid credential sources found", /^AWS rejected your credentials/],
  ["aws", "api error RequestExpired: Request has expired.", /^AWS rejected your credentials[^]*clock/],
  [
    "aws",
    "api error AuthFailure: AWS was not able to validate the provided access credentials",
    /region of server\.region/,
  ],
  [
    "aws",
    "api error Unsupported: Your requested instance type (t3.micro) is not supported in your requested Availability Zone (us-east-1e).",
    /server\.instanceType, or server\.subnetId .*\n.*npm run up -- dev --refresh/,
  ],
  ["aws", "api error UnauthorizedOperation: You are not authorized to perform this operation", /docs\/aws\.md/],
  ["aws", "api error VcpuLimitExceeded: You have requested more vCPU capacity than your current limit", /quota/],
  [
    "aws",
    "api error InsufficientInstanceCapacity: We currently do not have sufficient t3.micro capacity",
    /server\.subnetId/,
  ],
  ["aws", "api error OptInRequired: In order to use this AWS Marketplace product you need to accept terms", /amiId/],
  [
    "aws",
    "api error OperationNotPermitted: The instance 'i-1' may not be terminated. Modify its 'disableApiTermination'",
    /server\.terminationProtection to false, run npm run up -- dev/,
  ],
  [
    "aws",
    'error: unable to replace resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::server"\nas it is currently marked for protection. To unprotect the resource, remove the `protect` flag',
    /server\.terminationProtection/,
  ],
  [
    "aws",
    'resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::server" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` flag',
    /server\.terminationProtection/,
  ],
  ["aws", "api error InvalidKeyPair.Duplicate: The keypair already exists", /npm run up -- dev/],
  ["aws", "api error DependencyViolation: resource sg-1 has a dependent object", /describe-network-interfaces/],
  ["aws", "api error RequestLimitExceeded: Request limit exceeded", /wait a minute/],
  ["aws", "no matching Route53 Hosted Zone found", /server\.dnsZone/],
  ["aws", "api error VPCIdNotSpecified: No default VPC for this user", /server\.subnetId/],
];

describe("the hints of the server kinds", () => {
  for (const [kind, error, expected] of cases) {
    it(`a hint of ${kind} explains: ${error}`, () => {
      const found = hintsFor(kind, `error: update failed\n${error}\n`);
      assert.equal(found.length, 1, `expected one hint, but there are: ${found.join("\n")}`);
      assert.match(found[0] ?? "", expected);
    });
  }

  for (const [kind, { hints }] of Object.entries(serverKinds)) {
    it(`the hints of ${kind} say what failed, then how to fix it`, () => {
      for (const { hint } of hints) assert.match(hint("dev"), /^[A-Z][^\n]*\.\nFix: [a-z]/);
    });
  }

  it("no hint is given for a registry that a container engine cannot reach", () => {
    const registry = 'Get "https://registry.example.org/v2/": dial tcp: lookup registry.example.org: no such host';
    for (const kind of Object.keys(serverKinds) as Kind[]) assert.deepEqual(hintsFor(kind, registry), []);
  });

  it("docs/aws.md lists the login user of each platform's images, as the hint for a rejected key says", () => {
    const guide = readFileSync(join(root, "docs/aws.md"), "utf8");
    const expected = Object.values(platforms).flatMap(({ title, aws }: Platform) =>
      aws ? [`\`${aws.user}\` on ${title}`] : [],
    );
    const missing = expected.filter((text) => !guide.includes(text));
    assert.deepEqual(missing, [], "docs/aws.md must name the login user of every platform with images on AWS");
  });
});
