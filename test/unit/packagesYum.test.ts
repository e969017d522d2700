// packages-yum.sh against yum's own words and exit codes, as they were recorded on a CentOS 7.9.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeTools, type Outcome } from "../support/fakeTools";

describe("packages with yum", () => {
  let tools: FakeTools;

  /** A yum that says this and ends so; what it installs is there afterwards, by rpm's word. */
  function yum(words: string, code: number, installs: readonly string[] = []): void {
    tools.add(
      "yum",
      `cat <<'WORDS'\n${words}\nWORDS\nfor name in ${installs.join(" ")}; do echo "$name" >> "$FAKE/installed"; done; exit ${code}`,
    );
  }
  const install = (...names: string[]): Outcome =>
    tools.run(
      ["packages-yum.sh"],
      `package_config_file=/etc/uwsgi-nginx/yum.conf package_keys=\ninstall_packages ${names.join(" ")}`,
    );

  beforeEach(() => {
    tools = new FakeTools()
      .add("sleep")
      .add("rpm", 'grep --quiet --line-regexp "${!#}" "$FAKE/installed" 2> /dev/null');
  });
  afterEach(() => {
    tools.remove();
  });

  it("asks for what is missing only, by what provides it, and in a language that can be read", () => {
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

  it("calls no yum when everything is there", () => {
    yum("", 1);
    tools.add("rpm");
    assert.deepEqual(install("gcc").calls, ["rpm --query --quiet --whatprovides gcc"]);
  });

  it("does not believe yum's exit code 0: some of the names may be missing", () => {
    yum("No package no-such-thing available.\nComplete!", 0, ["gcc"]);
    const { code, stderr } = install("gcc", "no-such-thing");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: there is no such package: no-such-thing$/m);
  });

  const failures: [string, string, RegExp][] = [
    [
      "no package has the name",
      "No package no-such-thing available.\nError: Nothing to do",
      /^Error: there is no such package: no-such-thing\n.*look the name up on the server with: yum --config=\/etc\/uwsgi-nginx\/yum\.conf provides NAME/m,
    ],
    [
      "no package has one of the names, which its configuration does not tolerate",
      "No package no-such-thing available.\nError: Not tolerating missing names on install, stopping.",
      /^Error: there is no such package: no-such-thing\n/m,
    ],
    [
      "the key is another one",
      'The GPG keys listed for the "CentOS 7 os" repository are already installed but they are not correct for this package.\nCheck that the correct key URLs are configured for this repository.',
      /^Error: the packages are not signed with the key that is trusted for them, so none was installed\n.*server\.mirrors/m,
    ],
    [
      "the key's file is not there",
      'GPG key retrieval failed: [Errno 14] curl#37 - "Couldn\'t open file /etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7"',
      /^Error: the packages are not signed with the key that is trusted/m,
    ],
    [
      "the disk is full",
      "Error Summary\n-------------\nDisk Requirements:\n  At least 24MB more space needed on the / filesystem.",
      /^Error: the server's disk is full\n/m,
    ],
    [
      "the disk is too full to download, which looks like a mirror's fault",
      "Error downloading packages:\n  gcc-4.8.5-44.el7.x86_64: [Errno 256] No more mirrors to try.\n  cpp-4.8.5-44.el7.x86_64: Insufficient space in download directory /var/cache/yum/uwsgi-nginx/uwsgi-nginx-os/packages\n    * free   768 k\n    * needed 5.9 M",
      /^Error: the server's disk is full\n/m,
    ],
    [
      "the disk runs full while it reads the lists",
      'http://vault.centos.org/7.9.2009/updates/x86_64/repodata/primary.sqlite.bz2: [Errno 14] curl#23 - "Failed writing body (1057 != 16384)"\nTrying other mirror.\nfailure: repodata/primary.sqlite.bz2 from uwsgi-nginx-updates: [Errno 256] No more mirrors to try.',
      /^Error: the server's disk is full\n/m,
    ],
    ["it says something else", "Error: Protected multilib versions", /^Error: yum could not install the packages: /m],
  ];
  for (const [what, words, message] of failures) {
    it(`says what to do, at once, when ${what}`, () => {
      yum(words, 1);
      const { code, stderr, calls } = install("no-such-thing");
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.ok(stderr.includes(`  | ${words.split("\n").at(-1)}`), "yum's last lines are shown");
      assert.equal(calls.filter((call) => call.startsWith("yum")).length, 1);
    });
  }

  const deadMirrors = [
    'Could not retrieve mirrorlist http://mirrorlist.centos.org/?release=7 error was\n14: curl#6 - "Could not resolve host: mirrorlist.centos.org; Unknown error"\n\n Cannot find a valid baseurl for repo: base/7/x86_64',
    "http://vault.centos.org/7.9.2009/os/x86_64/repodata/repomd.xml: [Errno 14] HTTP Error 403 - Forbidden\nTrying other mirror.\nfailure: repodata/repomd.xml from uwsgi-nginx-os: [Errno 256] No more mirrors to try.",
    "Cannot retrieve metalink for repository: epel/x86_64. Please verify its path and try again",
  ];
  for (const words of deadMirrors) {
    it(`tries three times, then names the mirrors: ${words.split("\n").at(-1)}`, () => {
      yum(words, 1);
      const { code, stderr, calls } = install("gcc");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Error: no mirror gives out the packages\n.*\/etc\/uwsgi-nginx\/yum\.conf.*server\.mirrors.*server\.proxy/m,
      );
      assert.equal(calls.filter((call) => call.startsWith("yum")).length, 3);
    });
  }

  it("says that the clock may be wrong, and what it says, when a mirror's certificate has expired", () => {
    yum(
      `https://linuxsoft.cern.ch/centos-vault/7.9.2009/os/x86_64/repodata/repomd.xml: [Errno 14] curl#60 - "Peer's Certificate has expired."\nTrying other mirror.\nfailure: repodata/repomd.xml from uwsgi-nginx-os: [Errno 256] No more mirrors to try.`,
      1,
    );
    tools.add("date", "echo Thu Jan  1 00:00:00 UTC 1970");
    assert.match(
      install("gcc").stderr,
      /^Error: no mirror gives out the packages\n {2}Certificates do not seem to be valid where the server's clock is wrong: it says Thu Jan 1 00:00:00 UTC 1970 .*\n.*server\.mirrors/m,
    );
  });

  it("goes on when an archive that failed is well again", () => {
    tools.add(
      "yum",
      `[[ -e $FAKE/failed ]] || { touch "$FAKE/failed"; echo 'Error: [Errno 256] No more mirrors to try.'; exit 1; }\necho gcc >> "$FAKE/installed"`,
    );
    assert.equal(install("gcc").code, 0);
  });

  const locked =
    "Existing lock /var/run/yum.pid: another copy is running as pid 4711.\nAnother app is currently holding the yum lock; exiting as configured by exit_on_lock";

  it("waits for another yum that ends", () => {
    tools.add(
      "yum",
      `echo x >> "$FAKE/tries"; [[ $(wc -l < "$FAKE/tries") -gt 3 ]] || { echo '${locked}'; exit 200; }\necho gcc >> "$FAKE/installed"`,
    );
    const { code, stderr, calls } = install("gcc");
    assert.equal(code, 0);
    assert.equal(stderr, "packages: installing gcc\npackages: waiting for another yum\n");
    assert.equal(calls.filter((call) => call === "sleep 5").length, 3);
  });

  it("does not wait for ever for one that does not end", () => {
    yum(locked, 200);
    const { code, stderr, calls } = install("gcc");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: another yum has been at work on this server for 300 seconds: .*pid 4711/m);
    assert.equal(calls.filter((call) => call === "sleep 5").length, 59);
  });

  it("knows whether a configuration file is still the package's own", () => {
    const own = () =>
      tools.run(["packages-yum.sh"], "is_as_packaged /etc/nginx/nginx.conf nginx && echo yes || echo no").stdout;
    tools.add("rpm", "echo 'S.5....T.  c /etc/nginx/mime.types'; exit 1");
    assert.equal(own(), "yes\n");
    tools.add("rpm", "echo 'S.5....T.  c /etc/nginx/nginx.conf'; exit 1");
    assert.equal(own(), "no\n");
  });

  describe("a key that comes in a package", () => {
    let folder: string;
    const signed = (words: string) =>
      tools.add(
        "rpm",
        `case "$*" in
         *--checksig*) echo "epel-release.rpm: ${words}" ;;
         *--install*) mkdir -p "$FAKE/run/root/etc/keys"; echo key > "$FAKE/run/root/etc/keys/EPEL" ;;
         *) exit 1 ;;
         esac`,
      );
    const take = (file: string) =>
      tools.run(
        ["packages-yum.sh"],
        `package_config_file=${folder}/yum.conf key_work=$FAKE/run package_keys=epel-release=${file}\ntake_keys`,
      );
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "keys-"));
      tools.add("yum", 'mkdir -p "$FAKE/run"; touch "$FAKE/run/epel-release.rpm"');
    });
    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    for (const words of ["rsa sha1 (md5) pgp md5 OK", "digests signatures OK"]) {
      it(`is taken where the system's own key has signed it, and the package is not installed: ${words}`, () => {
        signed(words);
        const { code, stderr, calls } = take("/etc/keys/EPEL");
        assert.equal(code, 0, stderr);
        assert.equal(readFileSync(join(folder, "EPEL"), "utf8"), "key\n");
        assert.ok(!existsSync(join(tools.folder, "run")), "nothing else stays");
        assert.ok(calls.some((call) => / install --downloadonly --downloaddir=\S+ epel-release$/.test(call)));
        assert.ok(
          calls.every((call) => !call.startsWith("rpm") || / --(dbpath|root) /.test(call)),
          "in a list of its own",
        );
        assert.deepEqual(take("/etc/keys/EPEL").calls, [], "once is enough");
      });
    }

    for (const words of [
      "sha1 md5 OK",
      "RSA sha1 ((MD5) PGP) md5 NOT OK (MISSING KEYS: (MD5) PGP#352c64e5)",
      "digests SIGNATURES NOT OK",
    ]) {
      it(`is not taken where it has not: ${words}`, () => {
        signed(words);
        const { code, stderr } = take("/etc/keys/EPEL");
        assert.equal(code, 1);
        assert.match(stderr, /^Error: the packages are not signed with the key that is trusted for them/m);
        assert.deepEqual(readdirSync(folder), []);
      });
    }

    it("is the server's own where it has the package", () => {
      const own = join(tools.folder, "EPEL");
      writeFileSync(own, "own\n");
      assert.deepEqual(take(own).calls, []);
      assert.equal(readFileSync(join(folder, "EPEL"), "utf8"), "own\n");
    });
  });
});
