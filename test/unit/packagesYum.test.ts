// packages-yum.sh with a fake yum, whose messages and exit codes were recorded on CentOS 7.9.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planDownloads } from "../../rendering/downloads";
import { settingsSchema } from "../../settings/schema";
import { FakeTools, type Outcome } from "../support/fakeTools";

describe("packages with yum", () => {
  let tools: FakeTools;

  /** A yum that prints these words, installs these packages and exits with this code. */
  function yum(words: string, code: number, installs: readonly string[] = []): void {
    tools.add(
      "yum",
      `cat <<'WORDS'\n${words}\nWORDS\nfor name in ${installs.join(" ")}; do echo "$name" >> "$FAKE/installed"; done; exit ${code}`,
    );
  }
  const install = (...names: string[]): Outcome =>
    tools.run(
      ["packages-yum.sh"],
      `package_config_file=/etc/uwsgi-nginx/yum.conf package_key= package_key_file=\ninstall_packages ${names.join(" ")}`,
    );

  beforeEach(() => {
    tools = new FakeTools()
      .add("sleep")
      .add("rpm", 'grep --quiet --line-regexp "${!#}" "$FAKE/installed" 2> /dev/null');
  });
  afterEach(() => {
    tools.remove();
  });

  it("yum installs only packages that no installed package provides", () => {
    yum("Complete!", 0, ["nginx"]);
    tools.add("rpm", '[[ ${!#} == gcc ]] || grep --quiet --line-regexp "${!#}" "$FAKE/installed" 2> /dev/null');
    const { code, calls } = install("gcc", "nginx");
    assert.equal(code, 0);
    assert.deepEqual(calls, [
      "rpm --query --quiet --whatprovides gcc",
      "rpm --query --quiet --whatprovides nginx",
      "yum --config=/etc/uwsgi-nginx/yum.conf --disableplugin=fastestmirror --assumeyes install nginx",
      "rpm --query --quiet --whatprovides gcc",
      "rpm --query --quiet --whatprovides nginx",
    ]);
  });

  it("yum is not called if all packages are installed", () => {
    yum("", 1);
    tools.add("rpm");
    assert.deepEqual(install("gcc").calls, ["rpm --query --quiet --whatprovides gcc"]);
  });

  it("a package that is missing after yum's exit code 0 is reported", () => {
    yum("No package no-such-thing available.\nComplete!", 0, ["gcc"]);
    const { code, stderr } = install("gcc", "no-such-thing");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: The package no-such-thing does not exist\.$/m);
  });

  const failures: [string, string, RegExp][] = [
    [
      "no package has the name",
      "No package no-such-thing available.\nError: Nothing to do",
      /^Error: The package no-such-thing does not exist\.\n[^]*^Fix: .*To look it up on the server: yum --config=\/etc\/uwsgi-nginx\/yum\.conf provides NAME/m,
    ],
    [
      "one of the names does not exist, which the configuration does not tolerate",
      "No package no-such-thing available.\nError: Not tolerating missing names on install, stopping.",
      /^Error: The package no-such-thing does not exist\.\n/m,
    ],
    [
      "the packages are signed with another key",
      'The GPG keys listed for the "CentOS 7 os" repository are already installed but they are not correct for this package.\nCheck that the correct key URLs are configured for this repository.',
      /^Error: The packages are not signed with the key that the server trusts for them, so none was installed\.\n[^]*^Fix: .*server\.mirrors/m,
    ],
    [
      "the file of the key is missing",
      'GPG key retrieval failed: [Errno 14] curl#37 - "Couldn\'t open file /etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7"',
      /^Error: The packages are not signed with the key that the server trusts/m,
    ],
    [
      "the disk is full",
      "Error Summary\n-------------\nDisk Requirements:\n  At least 24MB more space needed on the / filesystem.",
      /^Error: The server's disk is full\.\n/m,
    ],
    [
      "the disk is too full for the download, which looks like a mirror failure",
      "Error downloading packages:\n  gcc-4.8.5-44.el7.x86_64: [Errno 256] No more mirrors to try.\n  cpp-4.8.5-44.el7.x86_64: Insufficient space in download directory /var/cache/yum/uwsgi-nginx/uwsgi-nginx-os/packages\n    * free   768 k\n    * needed 5.9 M",
      /^Error: The server's disk is full\.\n/m,
    ],
    [
      "the disk becomes full while yum reads the lists",
      'http://vault.centos.org/7.9.2009/updates/x86_64/repodata/primary.sqlite.bz2: [Errno 14] curl#23 - "Failed writing body (1057 != 16384)"\nTrying other mirror.\nfailure: repodata/primary.sqlite.bz2 from uwsgi-nginx-updates: [Errno 256] No more mirrors to try.',
      /^Error: The server's disk is full\.\n/m,
    ],
    [
      "yum reports another problem",
      "Error: Protected multilib versions",
      /^Error: The package manager yum could not install the packages\./m,
    ],
  ];
  for (const [what, words, message] of failures) {
    it(`the error says what to do, without a retry, if ${what}`, () => {
      yum(words, 1);
      const { code, stderr, calls } = install("no-such-thing");
      assert.equal(code, 1);
      assert.match(stderr, message);
      const last = words.split("\n").at(-1);
      assert.ok(stderr.includes(`\n    ${last}\n`), `yum's last line should be in the error, indented: ${last}`);
      assert.equal(calls.filter((call) => call.startsWith("yum")).length, 1);
    });
  }

  const deadMirrors = [
    'Could not retrieve mirrorlist http://mirrorlist.centos.org/?release=7 error was\n14: curl#6 - "Could not resolve host: mirrorlist.centos.org; Unknown error"\n\n Cannot find a valid baseurl for repo: base/7/x86_64',
    "http://vault.centos.org/7.9.2009/os/x86_64/repodata/repomd.xml: [Errno 14] HTTP Error 403 - Forbidden\nTrying other mirror.\nfailure: repodata/repomd.xml from uwsgi-nginx-os: [Errno 256] No more mirrors to try.",
    "Cannot retrieve metalink for repository: epel/x86_64. Please verify its path and try again",
  ];
  for (const words of deadMirrors) {
    it(`a mirror failure is retried twice, then the error names the settings: ${words.split("\n").at(-1)}`, () => {
      yum(words, 1);
      const { code, stderr, calls } = install("gcc");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Error: The server could not download packages from any mirror in \/etc\/uwsgi-nginx\/yum\.conf\.\n[^]*^Fix: .*server\.mirrors.*server\.proxy/m,
      );
      assert.equal(calls.filter((call) => call.startsWith("yum")).length, 3);
    });
  }

  it("the error shows the server's clock if a mirror's certificate has expired", () => {
    yum(
      `https://linuxsoft.cern.ch/centos-vault/7.9.2009/os/x86_64/repodata/repomd.xml: [Errno 14] curl#60 - "Peer's Certificate has expired."\nTrying other mirror.\nfailure: repodata/repomd.xml from uwsgi-nginx-os: [Errno 256] No more mirrors to try.`,
      1,
    );
    tools.add("date", "echo Thu Jan  1 00:00:00 UTC 1970");
    assert.match(
      install("gcc").stderr,
      /^Error: The server could not download packages [^]*^Fix: check the server's clock, because certificates were rejected: it says Thu Jan 1 00:00:00 UTC 1970 .*server\.mirrors/m,
    );
  });

  it("the installation continues if an archive works again at the second attempt", () => {
    tools.add(
      "yum",
      `[[ -e $FAKE/failed ]] || { touch "$FAKE/failed"; echo 'Error: [Errno 256] No more mirrors to try.'; exit 1; }\necho gcc >> "$FAKE/installed"`,
    );
    assert.equal(install("gcc").code, 0);
  });

  const locked =
    "Existing lock /var/run/yum.pid: another copy is running as pid 4711.\nAnother app is currently holding the yum lock; exiting as configured by exit_on_lock";

  it("the installation waits for another yum that ends", () => {
    tools.add(
      "yum",
      `echo x >> "$FAKE/tries"; [[ $(wc -l < "$FAKE/tries") -gt 3 ]] || { echo '${locked}'; exit 200; }\necho gcc >> "$FAKE/installed"`,
    );
    const { code, stderr, calls } = install("gcc");
    assert.equal(code, 0);
    assert.equal(stderr, "packages: installing gcc\npackages: waiting for another yum\n");
    assert.equal(calls.filter((call) => call === "sleep 5").length, 3);
  });

  it("the installation waits at most five minutes for another yum", () => {
    yum(locked, 200);
    const { code, stderr, calls } = install("gcc");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: Another yum has been running on this server for 300 seconds: .*pid 4711\.$/m);
    assert.equal(calls.filter((call) => call === "sleep 5").length, 59);
  });

  it("is_as_packaged detects a modified configuration file", () => {
    const own = () =>
      tools.run(["packages-yum.sh"], "is_as_packaged /etc/nginx/nginx.conf nginx && echo yes || echo no").stdout;
    tools.add("rpm", "echo 'S.5....T.  c /etc/nginx/mime.types'; exit 1");
    assert.equal(own(), "yes\n");
    tools.add("rpm", "echo 'S.5....T.  c /etc/nginx/nginx.conf'; exit 1");
    assert.equal(own(), "no\n");
  });

  describe("the key of third-party packages", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "keys-"));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });
    const take = (file: string) =>
      tools.run(
        ["packages-yum.sh"],
        `package_config_file=${folder}/yum.conf package_key_file=${file} package_key=$'given\\n'\ninstall_key`,
      );

    it("is the one that the product brings, also where there was another one, and is removed again", () => {
      writeFileSync(join(folder, "EPEL"), "downloaded\n");
      assert.deepEqual(take("/etc/keys/EPEL").calls, []);
      assert.equal(readFileSync(join(folder, "EPEL"), "utf8"), "given\n");
      assert.deepEqual(readdirSync(folder), ["EPEL"]);
      tools.run(
        ["packages-yum.sh"],
        `package_config_file=${folder}/yum.conf package_key_file=/etc/keys/EPEL\nrm() { [[ $* == -rf* ]] || command rm "$@"; }; forget_downloads`,
      );
      assert.deepEqual(readdirSync(folder), []);
    });

    it("is the server's own, if it has one", () => {
      const own = join(tools.folder, "EPEL");
      writeFileSync(own, "own\n");
      take(own);
      assert.equal(readFileSync(join(folder, "EPEL"), "utf8"), "own\n");
    });

    it("is EPEL 7's and no other, by its fingerprint", () => {
      const { package_key, package_key_file } = planDownloads(
        { ...settingsSchema.parse({ server: { platform: "centos7" } }).server, onYourComputer: true },
        {},
      ).packages;
      assert.equal(package_key_file, "/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7");
      const [, base64 = ""] =
        /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:\w+: .*\n)*\n([\w+/=\n]+)\n=[\w+/]{4}\n-----END PGP PUBLIC KEY BLOCK-----\n$/.exec(
          package_key,
        ) ?? [];
      assert.deepEqual(keysIn(Buffer.from(base64, "base64")), ["91E97D7C4A5E96F17F3E888F6A2FAEA2352C64E5"]);
    });
  });
});

/** The fingerprints of all keys among OpenPGP packets (RFC 4880, 4.2 and 12.2), subkeys too. */
function keysIn(packets: Buffer): string[] {
  const found: string[] = [];
  for (let position = 0; position < packets.length;) {
    const header = packets.readUInt8(position);
    assert.equal(header & 0xc0, 0x80, "GnuPG writes packets of the old format");
    const size = 1 << (header & 3);
    const length = packets.readUIntBE(position + 1, size);
    const body = packets.subarray(position + 1 + size, position + 1 + size + length);
    if ([5, 6, 7, 14].includes((header >> 2) & 15)) {
      const prefix = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
      found.push(createHash("sha1").update(prefix).update(body).digest("hex").toUpperCase());
    }
    position += 1 + size + length;
  }
  return found;
}
