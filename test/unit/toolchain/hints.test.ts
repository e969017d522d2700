import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { platforms } from "../../../platforms";
import { errorIn } from "../../../toolchain/diagnostics.mjs";
import { hints } from "../../../toolchain/hints.mjs";

describe("hints", () => {
  // The engine's and the plugin's own words, from runs that failed.
  const cases: [string, RegExp][] = [
    [
      "after 10 failed attempts: dial tcp 127.0.0.1:2222: connect: connection refused",
      /npm start -- dev'.*\n.*npm run up -- dev --replace '\*\*command:local:Command::server'/,
    ],
    ["after 10 failed attempts: dial tcp 203.0.113.7:22: connect: connection refused", /^The server does not answer/],
    ["after 10 failed attempts: dial tcp 203.0.113.7:22: i/o timeout", /^The server does not answer/],
    ["dial tcp: lookup no.example.org on 192.0.2.1:53: no such host", /^The server does not answer/],
    ["after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch", /^Another server answers/],
    [
      "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
      /^The server, or the bastion after 'proxy:', does not take the key/,
    ],
    ["x509: decryption password incorrect", /^The passphrase is not that of the private key/],
    [
      "proxy: after 0 failed attempts: ssh: rejected: administratively prohibited (open failed)",
      /^The bastion does not let through/,
    ],
    [
      "proxy: after 10 failed attempts: ssh: rejected: connect failed (Connection refused)",
      /^The bastion does not let through/,
    ],
    ["sudo: no password was provided\nsudo: 1 incorrect password attempt", /^sudo on the server/],
    ["dial unix /tmp/gone: connect: no such file or directory", /^SSH_AUTH_SOCK names an ssh-agent/],
    ["nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", /^A port is taken/],
    ["cannot listen on the TCP port: listen tcp4 127.0.0.1:8080: bind: address already in use", /^A port is taken/],
    ["tar: app/wsgi.py: Cannot write: No space left on device", /^A disk is full/],
    ["error: getting stack configuration: invalid YAML file: yaml: line 6: mapping values", /^The file is Pulumi\.dev/],
    ["error: No valid credential sources found", /^AWS does not know who you are/],
    ["api error RequestExpired: Request has expired.", /^AWS does not know who you are/],
    [
      "api error AuthFailure: AWS was not able to validate the provided access credentials",
      /opted in to the region of server\.region/,
    ],
    [
      "api error Unsupported: Your requested instance type (t3.micro) is not supported in your requested Availability Zone (us-east-1e).",
      /server\.instanceType .*server\.subnetId .*\n.*npm run up -- dev --refresh/,
    ],
    ["api error UnauthorizedOperation: You are not authorized to perform this operation", /docs\/aws\.md/],
    ["api error VcpuLimitExceeded: You have requested more vCPU capacity than your current limit", /^A quota/],
    [
      "api error InsufficientInstanceCapacity: We currently do not have sufficient t3.micro capacity",
      /server\.subnetId/,
    ],
    ["api error OptInRequired: In order to use this AWS Marketplace product you need to accept terms", /server\.amiId/],
    [
      "api error OperationNotPermitted: The instance 'i-1' may not be terminated. Modify its 'disableApiTermination'",
      /server\.terminationProtection to false, npm run up -- dev/,
    ],
    [
      'error: unable to replace resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::server"\nas it is currently marked for protection. To unprotect the resource, remove the `protect` flag',
      /server\.terminationProtection to false, npm run up -- dev/,
    ],
    [
      'resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::server" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` flag',
      /server\.terminationProtection to false, npm run up -- dev/,
    ],
    ["api error InvalidKeyPair.Duplicate: The keypair already exists", /npm run up -- dev/],
    ["api error DependencyViolation: resource sg-1 has a dependent object", /^Something else on AWS uses it/],
    ["api error RequestLimitExceeded: Request limit exceeded", /wait a minute/],
    ["no matching Route53 Hosted Zone found", /server\.dnsZone/],
    ["api error VPCIdNotSpecified: No default VPC for this user", /server\.subnetId/],
  ];
  for (const [diagnostics, hint] of cases) {
    it(`one for: ${diagnostics}`, () => {
      const found = hints(`error: update failed\n${diagnostics}\n`, "dev");
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", hint);
    });
  }

  it("the one for a refused key leads to the users of the platforms' images on AWS, for it may be another system's", () => {
    const found = hints("ssh: handshake failed: ssh: unable to authenticate", "dev").join();
    assert.match(found, /docs\/aws\.md .*server\.platform .*server\.amiId.*server\.user/);
    const guide = readFileSync(join(__dirname, "../../../docs/aws.md"), "utf8");
    for (const { title, aws } of Object.values(platforms))
      assert.ok(guide.includes(`\`${aws?.user}\` on ${title}`), title);
  });

  it("none for what explains itself", () => {
    assert.deepEqual(
      hints("Error: Another program on your computer uses port 8080 of 127.0.0.1. error: update failed", "dev"),
      [],
    );
    const registry =
      'pinging container registry: Get "https://registry.example.org/v2/": dial tcp: lookup registry.example.org: no such host';
    assert.deepEqual(
      hints(`Error: ${registry}\nError: The image a:1 is not on your computer and cannot be pulled.`, "dev"),
      [],
    );
  });

  it("are taken from errors only: other events of the engine are not kept, for they may hold secrets", () => {
    const event = (severity: string) => JSON.stringify({ diagnosticEvent: { severity, message: "text" } });
    assert.equal(errorIn(event("error")), "text");
    assert.equal(errorIn(event("debug")), "");
    assert.equal(errorIn(JSON.stringify({ preludeEvent: { config: {} } })), "");
  });
});
