// The script that installs Amazon's SSM agent at the first boot, with the genuine gpgv. The keys, the package and the
// signatures in test/fakes/ssm-agent were made for it; keys.asc has two keys.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { root } from "../support/root";
import { FakeTools } from "../support/fakeTools";

const signer = "65D3D2D0FA55EDD873F957652D9A704C9D397C2C";
const url = "https://s3.example.org/latest/agent.deb";

describe("Amazon's SSM agent", () => {
  let tools: FakeTools;
  const served = (name: string) => join(tools.folder, "served", name);
  const notice = () => join(tools.folder, "notice");
  const install = (fingerprint = signer, first = "") =>
    tools.run(
      ["scripts/parameters.sh", "scripts/install-ssm-agent.sh"],
      `${first}main url=${url} keys=https://keys.example.org/keys.asc fingerprint=${fingerprint} install='dpkg --install' notice='${notice()}'`,
      { TMPDIR: tools.folder },
    );
  /** Says why, and installs nothing. */
  function assertRefused({ code, calls, stdout }: ReturnType<typeof install>, reason: RegExp) {
    assert.equal(code, 0, "the server boots without it");
    assert.doesNotMatch(calls.join("\n"), /dpkg/);
    assert.match(stdout, /^Warning: The SSM agent was not installed: .* The server works without it\.\nFix: /);
    assert.match(stdout, reason);
    assert.equal(readFileSync(notice(), "utf8"), stdout);
    assertCleanedUp();
  }
  const assertCleanedUp = () =>
    assert.deepEqual(
      readdirSync(tools.folder).filter((name) => name.startsWith("tmp.")),
      [],
    );

  before(function () {
    if (os.platform() !== "linux") this.skip(); // gpgv is part of Debian and Ubuntu
  });
  beforeEach(() => {
    tools = new FakeTools()
      .add(
        "curl",
        'while (($#)); do case $1 in --output) to=$2 ;; https:*) from=$1 ;; esac; shift; done; cp "$FAKE/served/${from##*/}" "$to"',
      )
      .add("dpkg", 'cp "$2" "$FAKE/installed"');
    cpSync(join(root, "test/fakes/ssm-agent"), join(tools.folder, "served"), { recursive: true });
  });
  afterEach(() => {
    tools.remove();
  });

  it("is installed if the expected key has signed it, whatever other keys are there", () => {
    const { code, calls, stderr } = install();
    assert.equal(code, 0, stderr);
    const curl = "curl --fail --silent --show-error --location --proto =https --retry 5 --output";
    const keys = "https://keys.example.org/keys.asc";
    assert.deepEqual(calls.slice(0, -1), [
      `${curl} agent.deb ${url}`,
      `${curl} agent.deb.sig ${url}.sig`,
      `${curl} keys.asc ${keys}`,
    ]);
    assert.match(calls.at(-1) ?? "", /^dpkg --install \S+\/agent\.deb$/);
    assert.equal(readFileSync(join(tools.folder, "installed"), "utf8"), "the agent\n");
    assert.ok(!existsSync(notice()), "there is nothing to say");
    assertCleanedUp();
  });

  it("is not installed if it was changed", () => {
    appendFileSync(served("agent.deb"), "more");
    assertRefused(install(), /agent\.deb is not signed with the key 65D3/);
  });

  it("is not installed if another key has signed it, even one that comes from the same place", () => {
    cpSync(served("other.sig"), served("agent.deb.sig"));
    assertRefused(install(), /is not signed with the key 65D3/);
    assertRefused(install("1C5B395CBE5E74E2F1CA21592784DBF388D19D46"), /is not signed with the key 1C5B/);
  });

  it("is not installed if the key is missing, or the keys are none", () => {
    const [other = "", end = ""] = readFileSync(served("keys.asc"), "utf8").split(
      /(?<=END PGP PUBLIC KEY BLOCK-----\n)/,
    );
    assert.match(end, /BEGIN/);
    writeFileSync(served("keys.asc"), other);
    assertRefused(install(), /is not signed with the key 65D3/);
    writeFileSync(served("keys.asc"), "<html>not here</html>\n");
    assertRefused(install(), /keys\.asc has no public keys/);
  });

  it("is not installed without its signature, or without gpgv", () => {
    assertRefused(install(signer, "command() { return 1; }; "), /gpgv is missing/);
    rmSync(served("agent.deb.sig"));
    assertRefused(install(), /agent\.deb\.sig cannot be downloaded/);
  });

  it("is reported if its installation fails", () => {
    tools.add("dpkg", "exit 1");
    const { code, stdout } = install();
    assert.equal(code, 0);
    assert.match(stdout, /^Warning: The SSM agent was not installed: its installation failed\. /);
    assertCleanedUp();
  });
});
