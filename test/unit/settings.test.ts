import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as yaml from "js-yaml";
import { howToGetHostKey, pinnedHostKey } from "../../settings/hostKey";
import { loadSettings, type RawSettings, secretsInClear, SettingsError } from "../../settings/load";
import { isEncrypted } from "../../settings/privateKey";
import { root } from "../support/engine";
import { makeKey } from "../support/keys";

interface Options {
  /** Full keys that hold one. */
  secrets?: string[];
  folder?: string;
}

/** Settings as the engine hands them over: structured values as JSON, plain ones as text. */
function raw(settings: Record<string, unknown>, options: Options = {}): RawSettings {
  const entries = Object.entries(settings).map(([key, value]) => [
    `uwsgi-nginx:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return {
    project: "uwsgi-nginx",
    config: { ...(Object.fromEntries(entries) as Record<string, string>), "aws:region": "eu-central-1" },
    isSecret: (key) => options.secrets?.includes(key) ?? false,
    folder: options.folder ?? root,
  };
}

const load = (...args: Parameters<typeof raw>) => loadSettings(raw(...args));

function mistakes(...args: Parameters<typeof load>): readonly string[] {
  try {
    load(...args);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.mistakes;
  }
  throw new Error("the settings were accepted");
}

/** What ssh-keyscan prints, with the key last that the server will show first. */
const scanned = [
  "# server.example.org:22 SSH-2.0-OpenSSH_7.4",
  `server.example.org ssh-ed25519 ${"B".repeat(68)}`,
  `server.example.org ssh-rsa ${"C".repeat(80)}`,
  `server.example.org ecdsa-sha2-nistp256 ${"A".repeat(60)}=`,
].join("\n");

const encryptedKey = () => makeKey("-N", "hunter2", "-a", "1").private;
const ownKey = makeKey();

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
    ["a key with another letter", ownKey.private.replace(damaged, damaged.replace(/[A-Za-z0-9]/, another))],
    ["a key without its end", ownKey.private.slice(0, 200)],
  ];
}

const app = (settings: Record<string, unknown>) => ({ apps: { hello: settings } });

const aws = (settings: Record<string, unknown>) => ({
  server: { kind: "aws", region: "eu-central-1", sshCidrs: ["198.51.100.7/32"], ...settings },
});

describe("settings", () => {
  // What stands in for a setting on this machine is no part of these tests.
  const standIn = process.env.CENTOS7_ROOT_FILESYSTEM;
  before(() => {
    delete process.env.CENTOS7_ROOT_FILESYSTEM;
  });
  after(() => {
    if (standIn !== undefined) process.env.CENTOS7_ROOT_FILESYSTEM = standIn;
  });

  it("need nothing: the defaults are the tutorial's app in a container", () => {
    assert.deepEqual(load({}), {
      server: { kind: "container", platform: "debian12", mirrors: {}, httpPort: 8080, sshPort: 2222 },
      uwsgi: { version: "2.0.31" },
      apps: {
        hello: {
          source: "assets/apps/hello",
          module: "wsgi:application",
          packages: [],
          python: "3",
          domains: [],
          processes: 5,
          master: true,
          chmodSocket: "660",
          vacuum: true,
          dieOnTerm: true,
          stopTimeoutSeconds: 10,
          healthCheck: { path: "/", contains: "", timeoutSeconds: 10 },
        },
      },
    });
  });

  it("of the stack file for CentOS 7 are accepted: the tutorial's Python, beside the ports of the stack `local`", () => {
    const file = fs.readFileSync(path.join(root, "Pulumi.centos7.yaml"), "utf8");
    const { config } = yaml.load(file) as { config: Record<string, unknown> };
    const settings = load(config);
    const defaults = load({}).server as { httpPort: number; sshPort: number };
    const { platform, image, httpPort, sshPort } = settings.server as typeof defaults & {
      platform: string;
      image: string;
    };
    assert.deepEqual([platform, image, settings.apps.hello?.python], ["centos7", "centos:7", "2.7"]);
    assert.equal(new Set([httpPort, sshPort, defaults.httpPort, defaults.sshPort]).size, 4);
  });

  it("take numbers where YAML makes numbers of texts", () => {
    const settings = load({ uwsgi: { version: "2.0.31" }, ...app({ python: 3, chmodSocket: 660 }) });
    const { hello } = settings.apps;
    assert.equal(hello?.python, "3");
    assert.equal(hello.chmodSocket, "660");
  });

  const processes = "is not allowed: it must be a whole number from 1 to 1024";
  const name = "the name must be at most 31 of a-z, 0-9 and -, starting with a letter";
  const domain = "is not allowed: it must be a list of domain names (letters, digits, hyphens and dots)";
  const cases: [string, Record<string, unknown>, string][] = [
    [
      "an unknown setting, with the nearest known one",
      app({ proceses: 7 }),
      'apps.hello.proceses: unknown setting; did you mean "processes"? Known here: source, module, requirements, packages, python, domains, processes, master, uid, socket, chownSocket, chmodSocket, vacuum, dieOnTerm, stopTimeoutSeconds, healthCheck',
    ],
    [
      "an unknown setting at the top",
      { servers: {} },
      'servers: unknown setting; did you mean "server"? Known here: server, uwsgi, apps',
    ],
    ["a wrong type", app({ master: "yes" }), 'apps.hello.master: "yes" is not allowed: it must be true or false'],
    ["processes 0", app({ processes: 0 }), `apps.hello.processes: 0 ${processes}`],
    ["processes -1", app({ processes: -1 }), `apps.hello.processes: -1 ${processes}`],
    ["processes 1.5", app({ processes: 1.5 }), `apps.hello.processes: 1.5 ${processes}`],
    ["processes many", app({ processes: "many" }), `apps.hello.processes: "many" ${processes}`],
    ["a name with a slash", { apps: { "a/b": {} } }, `apps["a/b"]: ${name}`],
    ["a name with a space", { apps: { "a b": {} } }, `apps["a b"]: ${name}`],
    ["a name in upper case", { apps: { Hello: {} } }, `apps.Hello: ${name}`],
    ["the name ..", { apps: { "..": {} } }, `apps[".."]: ${name}`],
    ["a name of 65 characters", { apps: { ["a".repeat(65)]: {} } }, `apps.${"a".repeat(65)}: ${name}`],
    ["a domain with a semicolon", app({ domains: ["a.org;"] }), `apps.hello.domains[0]: "a.org;" ${domain}`],
    ["a domain with a newline", app({ domains: ["a.org\n"] }), `apps.hello.domains[0]: "a.org\\n" ${domain}`],
    [
      "a module without its callable",
      app({ module: "wsgi" }),
      'apps.hello.module: "wsgi" is not allowed: it must be MODULE:CALLABLE, such as wsgi:application',
    ],
    ["a source that is no folder", app({ source: "no/such" }), 'apps.hello.source: "no/such" is no folder'],
    [
      "requirements that are no file",
      app({ requirements: "r.txt" }),
      'apps.hello.requirements: "r.txt" is no file in assets/apps/hello',
    ],
    ["an app as root", app({ uid: "root" }), 'apps.hello.uid: "root" is not allowed: an app never runs as root'],
    ["an app called root", { apps: { root: {} } }, 'apps.root.uid: "root" is not allowed: an app never runs as root'],
    ["no app at all", { apps: {} }, "apps: {} is not allowed: it must be a map of settings, and not an empty one"],
    [
      "apps that are a text",
      { apps: "hello" },
      'apps: "hello" is not allowed: it must be a map of settings, and not an empty one',
    ],
    [
      "an unknown kind of server",
      { server: { kind: "cloud" } },
      'server.kind: "cloud" is not allowed: it must be one of container, ssh, aws',
    ],
    [
      "a server that is a text",
      { server: "me" },
      'server: "me" is not allowed: it must be a map of settings, and not an empty one',
    ],
    [
      "the same port twice",
      { server: { httpPort: 2222 } },
      "server.sshPort: 2222 is the httpPort as well: choose another",
    ],
    [
      "a CA file that is not there",
      { server: { caCertificates: "ca.pem" } },
      'server.caCertificates: "ca.pem" is no file that can be read',
    ],
    [
      "a server on AWS without a region",
      aws({ region: undefined }),
      "server.region: is missing: it must be a region of AWS, such as eu-central-1",
    ],
    [
      "a server on AWS that nobody may log in to",
      aws({ sshCidrs: undefined }),
      "server.sshCidrs: is missing, and without it nobody can log in: set it to your own address as ADDRESS/32 (curl -s https://checkip.amazonaws.com)",
    ],
    [
      "a network that is none",
      aws({ sshCidrs: ["198.51.100.7"] }),
      'server.sshCidrs[0]: "198.51.100.7" is not allowed: it must be a list of networks in CIDR notation, such as 198.51.100.7/32 or 2001:db8::/48',
    ],
    [
      "a server for a network",
      aws({ webCidrs: ["198.51.100.7/24"] }),
      'server.webCidrs[0]: "198.51.100.7/24" names a server in a network: do you mean 198.51.100.0/24?',
    ],
    ...["0.0.0.0/0", "128.0.0.0/1", "::/0"].map((cidr): [string, Record<string, unknown>, string] => [
      `the whole world to log in: ${cidr}`,
      aws({ sshCidrs: ["198.51.100.7/32", cidr] }),
      `server.sshCidrs[1]: "${cidr}" lets the whole world try to log in: name your own networks, or set server.sshFromAnywhere to true`,
    ]),
    [
      "an image's name for its id",
      aws({ amiId: "CentOS 7" }),
      'server.amiId: "CentOS 7" is not allowed: it must be the id of an image, such as ami-0123456789abcdef0',
    ],
    [
      "a private key and a public one",
      aws({ privateKey: ownKey.private, publicKey: ownKey.public }),
      `server.publicKey: "${ownKey.public}" is given as well as privateKey, which holds it: remove one of them`,
    ],
    [
      "a public key of another length",
      aws({ publicKey: `ssh-ed25519 ${"A".repeat(68)}` }),
      `server.publicKey: "ssh-ed25519 ${"A".repeat(68)}" is not allowed: it must be a line \`ssh-ed25519 AAAA…\`, as in id_ed25519.pub`,
    ],
    ...noOwnKeys().flatMap(([what, privateKey]) =>
      [{ server: { privateKey } }, aws({ privateKey })].map((settings): [string, Record<string, unknown>, string] => [
        `${what} for the key of a ${"kind" in settings.server ? "server on AWS" : "container"}`,
        settings,
        "server.privateKey: [secret] is not allowed: it must be an unencrypted ed25519 key in OpenSSH's format (`ssh-keygen -t ed25519 -N ''`)",
      ]),
    ),
    [
      "a domain that is not in the zone",
      { ...aws({ dnsZone: "example.org" }), ...app({ domains: ["example.org", "a.example.org", "badexample.org"] }) },
      'apps.hello.domains[2]: "badexample.org" is not in the zone example.org (server.dnsZone)',
    ],
    [
      "a container's port on AWS",
      aws({ httpPort: 80 }),
      `server.httpPort: unknown setting; did you mean "platform"? Known here: kind, platform, caCertificates, mirrors, proxy, pipIndex, region, sshCidrs, sshFromAnywhere, webCidrs, instanceType, amiId, user, subnetId, rootVolumeGib, privateKey, publicKey, dnsZone, ssmAccess, terminationProtection, detailedMonitoring`,
    ],
    [
      "a Python that the platform does not have",
      app({ python: "2.7" }),
      'apps.hello.python: "2.7" is not to be had on Debian 12: it must be one of 3',
    ],
    [
      "mirrors that the platform does not use",
      { server: { mirrors: { centos: ["http://a.org"] } } },
      "server.mirrors.centos: is not used on Debian 12: leave it out",
    ],
    [
      "a proxy with a password",
      { server: { proxy: "http://me:secret@proxy:3128" } },
      "server.proxy: [secret] is not allowed: it must be a URL (http or https) without a user name and password",
    ],
    [
      "a container without an image, where none is made here",
      { server: { platform: "centos7" } },
      "server.image: is missing: CentOS 7 needs one, such as centos:7",
    ],
    [
      "an image beside a root file system",
      { server: { image: "debian:12", rootFilesystem: "package.json" } },
      'server.rootFilesystem: "package.json" stands beside server.image: leave one out',
    ],
    [
      "a root file system that is not there",
      { server: { platform: "centos7", rootFilesystem: "no/such.tar" } },
      'server.rootFilesystem: "no/such.tar" is neither a file nor a folder on this machine',
    ],
    [
      "a package name with an option",
      app({ packages: ["--force"] }),
      'apps.hello.packages[0]: "--force" is not allowed: it must be a list of package names',
    ],
    [
      "a socket outside of /run",
      app({ socket: "/tmp/a.sock" }),
      'apps.hello.socket: "/tmp/a.sock" is not allowed: it must be /run/FOLDER/NAME.sock',
    ],
    [
      "two apps for every name",
      { apps: { a: {}, b: {} } },
      'apps.b.domains: is empty, as it is for the app "a": only one app can answer for every name, give this one a domain',
    ],
    [
      "a domain for two apps",
      { apps: { a: { domains: ["x.org"] }, b: { domains: ["x.org"] } } },
      'apps.b.domains: "x.org" is taken by the app "a" already',
    ],
    [
      "a socket folder for two apps",
      { apps: { a: { socket: "/run/u/a.sock" }, b: { domains: ["b.org"], socket: "/run/u/b.sock" } } },
      'apps.b.socket: "/run/u" is taken by the app "a" already',
    ],
  ];
  for (const [what, settings, expected] of cases) {
    it(`refuse ${what}`, () => {
      assert.deepEqual(mistakes(settings), [`uwsgi-nginx:${expected}`]);
    });
  }

  it("take the whole world as the one exception that is spelt out", () => {
    const { server } = load(aws({ sshCidrs: ["0.0.0.0/0"], sshFromAnywhere: true }));
    assert.deepEqual(server, {
      kind: "aws",
      platform: "debian12",
      region: "eu-central-1",
      sshCidrs: ["0.0.0.0/0"],
      sshFromAnywhere: true,
      mirrors: {},
      webCidrs: ["0.0.0.0/0", "::/0"],
      instanceType: "t3.micro",
      rootVolumeGib: 10,
      ssmAccess: false,
      terminationProtection: false,
      detailedMonitoring: false,
    });
  });

  it("with the name of another project before them are refused; a provider's setting of the same name is not", () => {
    const config = {
      "site:server": '{"kind":"aws"}',
      "site:apps": '{"hello":{}}',
      "postgresql:server": "db.example.org",
    };
    const check = () => loadSettings({ project: "other", config, isSecret: () => false, folder: root });
    const renamed = (key: string) =>
      `site:${key}: the project's name is other (Pulumi.yaml): rename this setting to other:${key}`;
    assert.throws(check, { mistakes: ["server", "apps"].map(renamed) });
  });

  it("of the stack dev lack nothing but what is the user's own: the networks that may log in", () => {
    const { config } = yaml.load(fs.readFileSync(path.join(root, "Pulumi.dev.yaml"), "utf8")) as {
      config: Record<string, Record<string, unknown>>;
    };
    const { server } = config;
    assert.deepEqual(
      mistakes({ server }).map((mistake) => mistake.split(":")[1]),
      ["server.sshCidrs"],
    );
    assert.equal(load({ server: { ...server, sshCidrs: ["198.51.100.7/32"] } }).server.kind, "aws");
  });

  const ssh = (more: Record<string, unknown> = {}) => ({
    server: { kind: "ssh", address: "server.example.org", hostKey: scanned, ...more },
  });

  it("take a server that one has, and pin the host key that it will show", () => {
    assert.deepEqual(load(ssh()).server, {
      kind: "ssh",
      platform: "debian12",
      mirrors: {},
      address: "server.example.org",
      port: 22,
      user: "root",
      hostKey: `ecdsa-sha2-nistp256 ${"A".repeat(60)}=`,
      connectTimeoutSeconds: 15,
      httpPort: 80,
    });
  });

  const sshCases: [string, Record<string, unknown>, string][] = [
    ["no address", { address: undefined }, "server.address: is missing: it must be a name or an IP address"],
    [
      "an option for an address",
      { address: "-oX" },
      'server.address: "-oX" is not allowed: it must be a name or an IP address',
    ],
    [
      "no host key",
      { hostKey: undefined, port: 2200 },
      `server.hostKey: is missing, and without it anybody in between could be the server: ${howToGetHostKey("server.example.org", 2200)}`,
    ],
    [
      "no host key of the server behind a bastion",
      { hostKey: undefined, bastion: { address: "jump.example.org", hostKey: scanned } },
      `server.hostKey: is missing, and without it anybody in between could be the server: ${howToGetHostKey("server.example.org", 22, "the bastion")}`,
    ],
    [
      "no host key of the bastion",
      { bastion: { address: "jump.example.org" } },
      `server.bastion.hostKey: is missing, and without it anybody in between could be the server: ${howToGetHostKey("jump.example.org", 22)}`,
    ],
    [
      "a fingerprint for a host key",
      { hostKey: "SHA256:abc" },
      'server.hostKey: "SHA256:abc" is not allowed: it must be what ssh-keyscan prints for it: lines of ADDRESS TYPE KEY',
    ],
    [
      "a public key for a private one",
      { privateKey: "ssh-ed25519 AAAA" },
      "server.privateKey: [secret] is not allowed: it must be a private key in OpenSSH's or PEM format, with all its lines",
    ],
    [
      "a private key without its last lines",
      { privateKey: ownKey.private.slice(0, 200) },
      "server.privateKey: [secret] is not allowed: it must be a private key in OpenSSH's or PEM format, with all its lines",
    ],
    [
      "an encrypted key without its passphrase",
      { privateKey: encryptedKey() },
      "server.privateKeyPassphrase: is missing, for the key is encrypted: pulumi config set --secret --path server.privateKeyPassphrase",
    ],
    [
      "an encrypted key of the bastion without its passphrase",
      { bastion: { address: "jump.example.org", hostKey: scanned, privateKey: encryptedKey() } },
      "server.bastion.privateKeyPassphrase: is missing, for the key is encrypted: pulumi config set --secret --path server.bastion.privateKeyPassphrase",
    ],
    [
      "a passphrase without a key",
      { privateKeyPassphrase: "hunter2" },
      "server.privateKeyPassphrase: is given, but no privateKey",
    ],
    [
      "a password for root",
      { sudoPassword: "hunter2" },
      "server.sudoPassword: is given, but server.user is root, who needs no sudo",
    ],
    [
      "a password of two lines",
      { user: "me", sudoPassword: "a\nb" },
      "server.sudoPassword: [secret] is not allowed: it must be a text on one line",
    ],
    [
      "a setting of a container",
      { sshPort: 2222 },
      'server.sshPort: unknown setting; did you mean "port"? Known here: kind, platform, caCertificates, mirrors, proxy, pipIndex, address, port, privateKey, privateKeyPassphrase, user, sudoPassword, hostKey, bastion, connectTimeoutSeconds, httpPort',
    ],
  ];
  for (const [what, settings, expected] of sshCases) {
    it(`refuse ${what}`, () => {
      const found = mistakes(ssh(settings));
      assert.ok(found.includes(`uwsgi-nginx:${expected}`), found.join("\n"));
    });
  }

  it("take one's own key, with and without the newline that pulumi config set cuts off", () => {
    for (const privateKey of [ownKey.private, ownKey.private.trimEnd()]) {
      assert.equal(load({ server: { privateKey } }).server.kind, "container");
      assert.equal(load(aws({ privateKey })).server.kind, "aws");
    }
    const pem = makeKey("-t", "rsa", "-m", "PEM").private;
    assert.equal(load(ssh({ privateKey: pem.trimEnd() })).server.kind, "ssh");
  });

  it("take an encrypted key with its passphrase", () => {
    assert.equal(load(ssh({ privateKey: encryptedKey(), privateKeyPassphrase: "hunter2" })).server.kind, "ssh");
  });

  it("name every mistake in one error that says what to do", () => {
    assert.throws(
      () => load({ server: { htpPort: 1 }, apps: { hello: { processes: 0 }, b: { source: "no" } } }),
      new SettingsError([
        'uwsgi-nginx:server.htpPort: unknown setting; did you mean "httpPort"? Known here: kind, platform, caCertificates, mirrors, proxy, pipIndex, image, rootFilesystem, httpPort, sshPort, privateKey',
        `uwsgi-nginx:apps.hello.processes: 0 ${processes}`,
        'uwsgi-nginx:apps.b.source: "no" is no folder',
      ]),
    );
    assert.equal(
      new SettingsError(["a", "b"]).message,
      [
        "2 settings are wrong; nothing was changed:",
        "  - a",
        "  - b",
        "Change a setting with: pulumi config set --path 'KEY' VALUE (README.md, Settings, lists them all)",
      ].join("\n"),
    );
  });

  it("never show a secret", () => {
    assert.match(
      mistakes({ server: { privateKey: "hunter2" } })[0] ?? "",
      /^uwsgi-nginx:server\.privateKey: \[secret\] is not allowed/,
    );
    assert.deepEqual(mistakes(app({ processes: "hunter2" }), { secrets: ["uwsgi-nginx:apps"] }), [
      `uwsgi-nginx:apps.hello.processes: [secret] ${processes}`,
    ]);
  });

  it("look for paths below the project's folder", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "settings-"));
    try {
      fs.mkdirSync(path.join(folder, "code"));
      assert.equal(load(app({ source: "code" }), { folder }).apps.hello?.source, "code");
      assert.deepEqual(mistakes({}, { folder }), ['uwsgi-nginx:apps.hello.source: "assets/apps/hello" is no folder']);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe("a host key", () => {
  const key = "D".repeat(68);

  it("is read from ssh-keyscan's lines, from a .pub file and from known_hosts", () => {
    for (const line of [`a.org ssh-ed25519 ${key}`, `ssh-ed25519 ${key} root@a`, `[a.org]:22 ssh-ed25519 ${key}\n`]) {
      assert.equal(pinnedHostKey(line), `ssh-ed25519 ${key}`);
    }
  });

  it("is nothing else", () => {
    for (const text of [
      "",
      "# a.org:22",
      "SHA256:abc",
      "a.org ssh-ed25519",
      `ssh-dss ${key}`,
      `ssh-ed25519 ${key}\nx`,
    ]) {
      assert.equal(pinnedHostKey(text), undefined);
    }
  });

  it("is asked for with a command that can be pasted", () => {
    assert.match(howToGetHostKey("a.org", 2200), /ssh-keyscan -t ecdsa,rsa,ed25519 -p 2200 a\.org\n.*comparison/);
    assert.match(howToGetHostKey("a.org", 22), /ssh-keyscan -t ecdsa,rsa,ed25519 a\.org\n/);
  });
});

describe("secrets in the stack's file", () => {
  const server = {
    kind: "ssh",
    sudoPassword: "hunter2",
    privateKey: "key",
    bastion: { privateKeyPassphrase: "x", user: "jumper" },
  };

  it("are named where they are not encrypted", () => {
    assert.deepEqual(secretsInClear(raw({ server, apps: { hello: { domains: ["a.org"] } } })), [
      "server.sudoPassword",
      "server.privateKey",
      "server.bastion.privateKeyPassphrase",
    ]);
  });

  it("are not where they are, and nothing else is", () => {
    assert.deepEqual(secretsInClear(raw({ server }, { secrets: ["uwsgi-nginx:server"] })), []);
    assert.deepEqual(
      secretsInClear(
        raw({
          server: { kind: "ssh", hostKey: "key", proxy: "http://a.org", mirrors: { epel: ["http://b.org"] } },
          no: 1,
        }),
      ),
      [],
    );
  });
});

describe("a private key", () => {
  it("says itself whether it is encrypted", () => {
    const options = { cipher: "aes-256-cbc", passphrase: "x" };
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    assert.equal(isEncrypted(encryptedKey()), true);
    assert.equal(isEncrypted(makeKey().private), false);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs1", format: "pem", ...options }))), true);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs1", format: "pem" }))), false);
    assert.equal(isEncrypted(String(privateKey.export({ type: "pkcs8", format: "pem" }))), false);
  });
});
