import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { serverKinds } from "../../servers/registry";
import { howToGetHostKey, pinnedHostKey } from "../../servers/ssh/hostKey";
import { knownKeys } from "../../settings/describe";
import { isEncrypted } from "../../settings/privateKey";
import { commonServerChecks } from "../../settings/serverCommon";
import { makeKey } from "../support/keys";
import { root } from "../support/root";
import { app, aws, defaults, load, mistake, mistakes, scanned, ssh } from "../support/settings";

type Case = [title: string, settings: Record<string, unknown>, expected: string];

const encryptedKey = () => makeKey("-N", "hunter2", "-a", "1").private;
const ownKey = makeKey();
const knownFor = (settings: { server: unknown }) => knownKeys(["server"], settings).join(", ");
const notAllowed = (text: string, allowed: string) => mistake(`${text} is not allowed.`, `set it to ${allowed}.`);

function noOwnKeys(): [string, string][] {
  const lines = ownKey.private.split("\n");
  const [damaged = ""] = lines.splice(3, 1);
  const another = (letter: string) => (letter === "A" ? "B" : "A");
  return [
    ["an RSA key", makeKey("-t", "rsa").private],
    ["a PEM key", String(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }))],
    ["an encrypted key", encryptedKey()],
    ["a key's first line", `${lines[0]}\n`],
    ["a key without one of its lines", lines.join("\n")],
    ["a key with a wrong letter", ownKey.private.replace(damaged, damaged.replace(/[A-Za-z0-9]/, another))],
    ["a key without its end", ownKey.private.slice(0, 200)],
  ];
}

describe("loading the settings of a server", () => {
  // The environment of this computer must not override the settings under test.
  const override = process.env.CENTOS7_ROOT_FILESYSTEM;
  before(() => {
    delete process.env.CENTOS7_ROOT_FILESYSTEM;
  });
  after(() => {
    if (override !== undefined) process.env.CENTOS7_ROOT_FILESYSTEM = override;
  });

  it("an environment variable with mirrors is checked like the setting, and its value is not shown", () => {
    const server = load({ server: { platform: "centos7", image: "centos:7" } }).server;
    const checked = (env: Record<string, string>) => commonServerChecks(server, root, env);
    const wrong = (variable: string) => ({
      path: [variable],
      text: "an environment variable with a URL that is not allowed.",
      fix: "set it to URLs (http or https) without a user name and password, or unset it.",
    });
    const password = "http://a.org/7, http://me:hunter2@b.org/7";
    assert.deepEqual(checked({ CENTOS7_ARCHIVE_URL: password, CENTOS7_EPEL_URL: "ftp://c.org" }), [
      wrong("CENTOS7_ARCHIVE_URL"),
      wrong("CENTOS7_EPEL_URL"),
    ]);
    for (const value of ["", "http://a.org/7, https://b.org:8080/~x/7"])
      assert.deepEqual(checked({ CENTOS7_ARCHIVE_URL: value }), []);
    assert.deepEqual(
      commonServerChecks(defaults.server, root, { CENTOS7_ARCHIVE_URL: password }),
      [],
      "not used there",
    );
  });

  const general: Case[] = [
    [
      "rejects an unknown kind and lists the kinds of the registry",
      { server: { kind: "cloud" } },
      notAllowed('server.kind: "cloud"', `one of ${Object.keys(serverKinds).join(", ")}`),
    ],
    [
      "rejects a server that is a text",
      { server: "me" },
      notAllowed("server: a text", "a map with at least one entry"),
    ],
    [
      "rejects a CA file that does not exist",
      { server: { caCertificates: "ca.pem" } },
      mistake(
        'server.caCertificates: "ca.pem" is not a readable file.',
        "set it to the path of a PEM file, relative to the project.",
      ),
    ],
    [
      "rejects mirrors that the platform does not use",
      { server: { mirrors: { centos: ["http://a.org"] } } },
      mistake("server.mirrors.centos: not used on Debian 12.", "remove it."),
    ],
    [
      "rejects a proxy with a password and does not show it",
      { server: { proxy: "http://me:secret@proxy:3128" } },
      notAllowed("server.proxy: [secret]", "a URL (http or https) without a user name and password"),
    ],
    ...noOwnKeys().flatMap(([what, privateKey]) =>
      [{ server: { privateKey } }, aws({ privateKey })].map((settings): Case => [
        `rejects ${what} as the login key of a ${"kind" in settings.server ? "server on AWS" : "container"}`,
        settings,
        notAllowed(
          "server.privateKey: [secret]",
          "an unencrypted ed25519 key in OpenSSH's format (`ssh-keygen -t ed25519 -N ''`)",
        ),
      ]),
    ),
  ];

  const container: Case[] = [
    [
      "rejects the same port for SSH and HTTP",
      { server: { httpPort: 2222, sshPort: 2222 } },
      mistake("server.sshPort: 2222 is also server.httpPort.", "choose a different port."),
    ],
    [
      "rejects a container without an image on a platform whose image is not built here",
      { server: { platform: "centos7" } },
      mistake("server.image: required on CentOS 7, but not set.", "set it to an image, such as centos:7."),
    ],
    [
      "rejects both an image and a root file system",
      { server: { image: "debian:12", rootFilesystem: "package.json" } },
      mistake('server.rootFilesystem: "package.json" is set, and so is server.image.', "remove one of them."),
    ],
    [
      "rejects a root file system that does not exist",
      { server: { platform: "centos7", rootFilesystem: "no/such.tar" } },
      mistake(
        'server.rootFilesystem: "no/such.tar" does not exist on your computer.',
        "set it to the path of a tar archive or of a folder.",
      ),
    ],
  ];

  const networks = "a list of networks in CIDR notation, such as 198.51.100.7/32 or 2001:db8::/48";
  const onAws: Case[] = [
    [
      "rejects a server on AWS without a region",
      aws({ region: undefined }),
      mistake("server.region: required, but not set.", "set it to an AWS region, such as eu-central-1."),
    ],
    [
      "rejects a server on AWS that no computer can log in to",
      aws({ sshCidrs: undefined }),
      mistake(
        "server.sshCidrs: required, but not set. Without it, no computer can log in.",
        "set it to your own address as ADDRESS/32. To show it, run: curl -s https://checkip.amazonaws.com",
      ),
    ],
    [
      "rejects an address without a prefix as a network",
      aws({ sshCidrs: ["198.51.100.7"] }),
      notAllowed('server.sshCidrs[0]: "198.51.100.7"', networks),
    ],
    [
      "rejects a network address with host bits set",
      aws({ webCidrs: ["198.51.100.7/24"] }),
      mistake(
        'server.webCidrs[0]: "198.51.100.7/24" is the address of a server with the prefix of its network.',
        "set it to the network, 198.51.100.0/24.",
      ),
    ],
    ...["0.0.0.0/0", "128.0.0.0/1", "::/0"].map((cidr): Case => [
      `rejects ${cidr} as a network that may log in`,
      aws({ sshCidrs: ["198.51.100.7/32", cidr] }),
      mistake(
        `server.sshCidrs[1]: "${cidr}" allows login attempts from the whole internet.`,
        "list your own networks, or set server.sshFromAnywhere to true.",
      ),
    ]),
    [
      "rejects an image's name in place of its id",
      aws({ amiId: "CentOS 7" }),
      notAllowed('server.amiId: "CentOS 7"', "the id of an image, such as ami-0123456789abcdef0"),
    ],
    [
      "rejects an architecture that the platform has no official image for",
      aws({ platform: "centos7", instanceType: "t4g.small" }),
      mistake(
        "server.amiId: required, but not set: CentOS 7 has no official image for arm64 (t4g.small).",
        "set it to the id of an image, or choose another server.instanceType.",
      ),
    ],
    [
      "rejects both a private key and a public key",
      aws({ privateKey: ownKey.private, publicKey: ownKey.public }),
      mistake(
        `server.publicKey: "${ownKey.public}" is set, and so is server.privateKey, which contains it.`,
        "remove one of them.",
      ),
    ],
    [
      "rejects a public key of the wrong length",
      aws({ publicKey: `ssh-ed25519 ${"A".repeat(68)}` }),
      notAllowed(
        `server.publicKey: "ssh-ed25519 ${"A".repeat(68)}"`,
        "a line `ssh-ed25519 AAAA…`, as in id_ed25519.pub",
      ),
    ],
    [
      "rejects a domain that is not in the DNS zone",
      { ...aws({ dnsZone: "Example.org" }), ...app({ domains: ["example.org", "a.EXAMPLE.org", "badexample.org"] }) },
      mistake(
        'apps.hello.domains[2]: "badexample.org" is not in the zone example.org (server.dnsZone).',
        "choose a domain in the zone, or remove server.dnsZone and manage DNS yourself.",
      ),
    ],
    [
      "rejects a container's port for a server on AWS",
      aws({ httpPort: 80 }),
      mistake(
        `server.httpPort: unknown setting. Known here: ${knownFor(aws())}.`,
        "correct the name (nearest: platform), or remove it.",
      ),
    ],
  ];

  for (const [title, settings, expected] of [...general, ...container, ...onAws]) {
    it(title, () => {
      assert.deepEqual(mistakes(settings), [expected]);
    });
  }

  const impersonation = "required, but not set. Without it, a man-in-the-middle could impersonate the server.";
  const wholeKey = "a private key in OpenSSH's or PEM format, with all its lines";
  const bastion = { address: "jump.example.org", hostKey: scanned };
  const existing: Case[] = [
    [
      "rejects an existing server without an address",
      { address: undefined },
      mistake("server.address: required, but not set.", "set it to a name or an IP address."),
    ],
    [
      "rejects an option of ssh as an address",
      { address: "-oX" },
      notAllowed('server.address: "-oX"', "a name or an IP address"),
    ],
    [
      "rejects an existing server without a host key",
      { hostKey: undefined, port: 2200 },
      mistake(`server.hostKey: ${impersonation}`, howToGetHostKey("server.example.org", 2200)),
    ],
    [
      "rejects a server behind a bastion without a host key",
      { hostKey: undefined, bastion },
      mistake(`server.hostKey: ${impersonation}`, howToGetHostKey("server.example.org", 22, "the bastion")),
    ],
    [
      "rejects a bastion without a host key",
      { bastion: { address: "jump.example.org" } },
      mistake(`server.bastion.hostKey: ${impersonation}`, howToGetHostKey("jump.example.org", 22)),
    ],
    [
      "rejects a fingerprint in place of a host key",
      { hostKey: "SHA256:abc" },
      notAllowed('server.hostKey: "SHA256:abc"', "the output of ssh-keyscan: lines of ADDRESS TYPE KEY"),
    ],
    [
      "rejects a public key in place of a private one",
      { privateKey: "ssh-ed25519 AAAA" },
      notAllowed("server.privateKey: [secret]", wholeKey),
    ],
    [
      "rejects a private key without its last lines",
      { privateKey: ownKey.private.slice(0, 200) },
      notAllowed("server.privateKey: [secret]", wholeKey),
    ],
    [
      "rejects an encrypted key without its passphrase",
      { privateKey: encryptedKey() },
      mistake(
        "server.privateKeyPassphrase: required, because the private key is encrypted, but not set.",
        "run: pulumi config set --secret --path server.privateKeyPassphrase",
      ),
    ],
    [
      "rejects an encrypted key of the bastion without its passphrase",
      { bastion: { ...bastion, privateKey: encryptedKey() } },
      mistake(
        "server.bastion.privateKeyPassphrase: required, because the private key is encrypted, but not set.",
        "run: pulumi config set --secret --path server.bastion.privateKeyPassphrase",
      ),
    ],
    [
      "rejects a passphrase without a key",
      { privateKeyPassphrase: "hunter2" },
      mistake(
        "server.privateKeyPassphrase: set, but there is no privateKey.",
        "set the key too, or remove the passphrase.",
      ),
    ],
    [
      "rejects a sudo password for root",
      { sudoPassword: "hunter2" },
      mistake(
        "server.sudoPassword: set, but server.user is root, which does not need sudo.",
        "remove it, or set server.user.",
      ),
    ],
    [
      "rejects a sudo password of two lines",
      { user: "me", sudoPassword: "a\nb" },
      notAllowed("server.sudoPassword: [secret]", "a text on one line"),
    ],
    [
      "rejects a container's port for an existing server",
      { sshPort: 2222 },
      mistake(
        `server.sshPort: unknown setting. Known here: ${knownFor(ssh())}.`,
        "correct the name (nearest: port), or remove it.",
      ),
    ],
  ];
  for (const [title, settings, expected] of existing) {
    it(title, () => {
      assert.deepEqual(mistakes(ssh(settings)), [expected]);
    });
  }

  it("accepts the whole internet as a network that may log in if sshFromAnywhere is set", () => {
    const { server } = load(aws({ sshCidrs: ["0.0.0.0/0"], sshFromAnywhere: true }));
    assert.equal(server.kind, "aws");
    assert.deepEqual(server.sshCidrs, ["0.0.0.0/0"]);
  });

  it("protects no server on AWS by default, and opens its web ports to everyone", () => {
    const { server } = load(aws());
    assert.equal(server.kind, "aws");
    const { webCidrs, instanceType, rootVolumeGib, terminationProtection } = server;
    assert.deepEqual(
      { webCidrs, instanceType, rootVolumeGib, terminationProtection },
      {
        webCidrs: ["0.0.0.0/0", "::/0"],
        instanceType: "t3.micro",
        rootVolumeGib: 10,
        terminationProtection: false,
      },
    );
  });

  it("pins the host key that an existing server will present", () => {
    const { server } = load(ssh());
    assert.equal(server.kind, "ssh");
    const { hostKey, port, user, httpPort } = server;
    assert.equal(hostKey, `ecdsa-sha2-nistp256 ${"A".repeat(60)}=`);
    assert.deepEqual({ port, user, httpPort }, { port: 22, user: "root", httpPort: 80 });
  });

  it("accepts a private key with and without its last newline, which pulumi config set removes", () => {
    for (const privateKey of [ownKey.private, ownKey.private.trimEnd()]) {
      assert.equal(load({ server: { privateKey } }).server.kind, "container");
      assert.equal(load(aws({ privateKey })).server.kind, "aws");
    }
    const pem = makeKey("-t", "rsa", "-m", "PEM").private;
    assert.equal(load(ssh({ privateKey: pem.trimEnd() })).server.kind, "ssh");
  });

  it("accepts an encrypted key with its passphrase", () => {
    assert.equal(load(ssh({ privateKey: encryptedKey(), privateKeyPassphrase: "hunter2" })).server.kind, "ssh");
  });
});

describe("the setting hostKey", () => {
  const key = "D".repeat(68);

  it("the setting hostKey accepts a line of ssh-keyscan, of a .pub file and of known_hosts", () => {
    for (const line of [`a.org ssh-ed25519 ${key}`, `ssh-ed25519 ${key} root@a`, `[a.org]:22 ssh-ed25519 ${key}\n`]) {
      assert.equal(pinnedHostKey(line), `ssh-ed25519 ${key}`);
    }
  });

  for (const text of ["", "# a.org:22", "SHA256:abc", "a.org ssh-ed25519", `ssh-dss ${key}`, `ssh-ed25519 ${key}\nx`]) {
    it(`the setting hostKey rejects ${JSON.stringify(text.replace(key, "KEY"))}`, () => {
      assert.equal(pinnedHostKey(text), undefined);
    });
  }

  it("the setting hostKey is asked for with a command that can be pasted", () => {
    assert.match(
      howToGetHostKey("a.org", 2200),
      /run on your computer: ssh-keyscan -t ecdsa,rsa,ed25519 -p 2200 a\.org\n.*fingerprints/,
    );
    assert.match(howToGetHostKey("a.org", 22), /run on your computer: ssh-keyscan -t ecdsa,rsa,ed25519 a\.org\n/);
  });
});

describe("isEncrypted", () => {
  it("a private key is recognised as encrypted in every format", () => {
    const options = { cipher: "aes-256-cbc", passphrase: "x" };
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    assert.equal(isEncrypted(encryptedKey()), true);
    assert.equal(isEncrypted(makeKey().private), false);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs1", format: "pem", ...options }))), true);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs1", format: "pem" }))), false);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs8", format: "pem" }))), false);
  });
});
