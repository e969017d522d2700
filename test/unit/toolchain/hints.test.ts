import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { platforms } from "../../../platforms";
import { errorIn } from "../../../toolchain/engine/events";
import { hints } from "../../../toolchain/engine/hints";

describe("hints", () => {
  // The engine's and the plugin's own words, from runs that failed.
  const cases: [string, RegExp][] = [
    [
      "after 10 failed attempts: dial tcp 127.0.0.1:2222: connect: connection refused",
      /npm start -- dev, .*npm run up -- dev --replace '\*\*command:local:Command::host'/,
    ],
    ["after 10 failed attempts: dial tcp 203.0.113.7:22: connect: connection refused", /^check that the server is on/],
    ["after 10 failed attempts: dial tcp 203.0.113.7:22: i/o timeout", /^check that the server is on/],
    ["dial tcp: lookup no.example.org on 192.0.2.1:53: no such host", /^check that the server is on/],
    [
      "after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch",
      /^find out why the server's host key has changed/,
    ],
    [
      "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
      /^add the login key to/,
    ],
    ["x509: decryption password incorrect", /^set host\.privateKeyPassphrase/],
    [
      "proxy: after 0 failed attempts: ssh: rejected: administratively prohibited (open failed)",
      /^allow TCP forwarding in the bastion's sshd_config/,
    ],
    [
      "proxy: after 10 failed attempts: ssh: rejected: connect failed (Connection refused)",
      /^allow TCP forwarding in the bastion's sshd_config/,
    ],
    ["sudo: no password was provided\nsudo: 1 incorrect password attempt", /^check host\.user and host\.sudoPassword/],
    ["dial unix /tmp/gone: connect: no such file or directory", /^start the ssh-agent that SSH_AUTH_SOCK names/],
    ["nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", /^free the port/],
    ["cannot listen on the TCP port: listen tcp4 127.0.0.1:8080: bind: address already in use", /^free the port/],
    ["tar: app/wsgi.py: Cannot write: No space left on device", /^free disk space/],
    [
      "error: getting stack configuration: invalid YAML file: yaml: line 6: mapping values",
      /^correct the named line of Pulumi\.dev/,
    ],
    ["error: No valid credential sources found", /^log in to AWS/],
    ["api error RequestExpired: Request has expired.", /^log in to AWS/],
    [
      "api error AuthFailure: AWS was not able to validate the provided access credentials",
      /opt in to the region of host\.region/,
    ],
    [
      "api error Unsupported: Your requested instance type (t3.micro) is not supported in your requested Availability Zone (us-east-1e).",
      /host\.instanceType .*host\.subnetId .*npm run up -- dev --refresh/,
    ],
    ["api error UnauthorizedOperation: You are not authorized to perform this operation", /docs\/aws\.md/],
    [
      "api error VcpuLimitExceeded: You have requested more vCPU capacity than your current limit",
      /request a higher quota/,
    ],
    ["api error InsufficientInstanceCapacity: We currently do not have sufficient t3.micro capacity", /host\.subnetId/],
    ["api error OptInRequired: In order to use this AWS Marketplace product you need to accept terms", /host\.amiId/],
    [
      "api error OperationNotPermitted: The instance 'i-1' may not be terminated. Modify its 'disableApiTermination'",
      /host\.terminationProtection to false, run npm run up -- dev/,
    ],
    [
      'error: unable to replace resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::host"\nas it is currently marked for protection. To unprotect the resource, remove the `protect` flag',
      /host\.terminationProtection to false, run npm run up -- dev/,
    ],
    [
      'resource "urn:pulumi:dev::p::a$aws:ec2/instance:Instance::host" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the `protect` flag',
      /host\.terminationProtection to false, run npm run up -- dev/,
    ],
    ["api error InvalidKeyPair.Duplicate: The keypair already exists", /npm run up -- dev/],
    ["api error DependencyViolation: resource sg-1 has a dependent object", /still uses the security group/],
    ["api error RequestLimitExceeded: Request limit exceeded", /wait a minute/],
    ["no matching Route53 Hosted Zone found", /host\.dnsZone/],
    ["api error VPCIdNotSpecified: No default VPC for this user", /host\.subnetId/],
  ];
  for (const [diagnostics, hint] of cases) {
    it(`has one fix for: ${diagnostics}`, () => {
      const found = hints(`error: update failed\n${diagnostics}\n`, "dev");
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", hint);
    });
  }

  it("names docs/aws.md for a rejected key, which lists the user of each platform's image", () => {
    const found = hints("ssh: handshake failed: ssh: unable to authenticate", "dev").join();
    assert.match(found, /host\.platform .*host\.amiId.*host\.user .*docs\/aws\.md/);
    const guide = readFileSync(join(__dirname, "../../../docs/aws.md"), "utf8");
    for (const { title, aws } of Object.values(platforms).filter((platform) => platform.aws))
      assert.ok(guide.includes(`\`${aws?.user}\` on ${title}`), `docs/aws.md must name the user of ${title}`);
  });

  it("has no fix for errors that name theirs", () => {
    assert.deepEqual(
      hints("Error: the port 8080 of 127.0.0.1 is taken by another program; error: update failed", "dev"),
      [],
    );
    const registry =
      'pinging container registry: Get "https://registry.example.org/v2/": dial tcp: lookup registry.example.org: no such host';
    assert.deepEqual(hints(`Error: ${registry}\nError: the image a:1 is not here and cannot be pulled`, "dev"), []);
  });

  it("keeps error events only, because other events of the engine may contain secrets", () => {
    const event = (severity: string) => JSON.stringify({ diagnosticEvent: { severity, message: "text" } });
    assert.equal(errorIn(event("error")), "text");
    assert.equal(errorIn(event("debug")), "");
    assert.equal(errorIn(JSON.stringify({ preludeEvent: { config: {} } })), "");
  });
});
