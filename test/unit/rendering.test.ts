import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { platforms, type Platform } from "../../platforms";
import { architectureOf } from "../../platforms/ec2";
import { planApp } from "../../rendering/app";
import { packApp, pruneArchives, type AppSource } from "../../rendering/appSource";
import { asset, renderTemplate, script } from "../../rendering/assets";
import { commandLine, quote } from "../../rendering/shell";
import { ed25519KeyPair, publicKeyOf } from "../../rendering/sshKey";
import { renderUserData } from "../../rendering/userData";
import { appSchema } from "../../settings/apps";

const source: AppSource = { hash: "0123", archive: "/tmp/app.tar.gz", requirements: "" };

function plan(settings: Record<string, unknown> = {}, from: Partial<AppSource> = {}, uwsgiVersion = "2.0.31") {
  return planApp("hello", appSchema.parse(settings), { ...source, ...from }, platforms.debian12, uwsgiVersion);
}

/** Lines of two texts that differ. */
function changedLines(before: string, after: string): string[] {
  const lines = (text: string, other: string) => text.split("\n").filter((line) => !other.split("\n").includes(line));
  return [...lines(before, after).map((line) => `- ${line}`), ...lines(after, before).map((line) => `+ ${line}`)];
}

describe("the rendered ini", () => {
  it("is the tutorial's by default", () => {
    assert.equal(
      plan().ini,
      `[uwsgi]
# The app: file and callable, from the release that the link \`current\` names.
chdir = /opt/apps/hello/current/app
virtualenv = /opt/apps/hello/current/venv
module = wsgi:application
need-app = true
# Unknown options are an error, not a surprise.
strict = true

master = true
processes = 5
uid = hello

socket = /run/uwsgi-hello/uwsgi.sock
chown-socket = hello:www-data
chmod-socket = 660
vacuum = true

die-on-term = true
`,
    );
  });

  it("changes in a line for each setting", () => {
    const changes: [Record<string, unknown>, string, string][] = [
      [{ module: "site.app:main" }, "module = wsgi:application", "module = site.app:main"],
      [{ master: false }, "master = true", "master = false"],
      [{ processes: 7 }, "processes = 5", "processes = 7"],
      [{ socket: "/run/x/y.sock" }, "socket = /run/uwsgi-hello/uwsgi.sock", "socket = /run/x/y.sock"],
      [{ chownSocket: "a:b" }, "chown-socket = hello:www-data", "chown-socket = a:b"],
      [{ chmodSocket: "664" }, "chmod-socket = 660", "chmod-socket = 664"],
      [{ vacuum: false }, "vacuum = true", "vacuum = false"],
      [{ dieOnTerm: false }, "die-on-term = true", "die-on-term = false"],
    ];
    for (const [settings, before, after] of changes) {
      assert.deepEqual(changedLines(plan().ini, plan(settings).ini), [`- ${before}`, `+ ${after}`]);
    }
    assert.deepEqual(changedLines(plan().ini, plan({ uid: "web" }).ini), [
      "- uid = hello",
      "- chown-socket = hello:www-data",
      "+ uid = web",
      "+ chown-socket = web:www-data",
    ]);
  });
});

describe("the rendered units", () => {
  it("run the app under uWSGI itself, with its own user and socket folder", () => {
    assert.equal(
      plan().unit,
      `[Unit]
Description=uWSGI app hello
After=network.target
Before=uwsgi.service
PartOf=uwsgi.service
ReloadPropagatedFrom=uwsgi.service

[Service]
# uWSGI says itself when the app is loaded: \`systemctl start\` waits for it and fails with it.
Type=notify
NotifyAccess=all
ExecReload=/bin/kill -HUP $MAINPID
ExecStart=/opt/apps/hello/current/venv/bin/uwsgi --ini /opt/apps/hello/current/uwsgi.ini
User=hello
Group=www-data
RuntimeDirectory=uwsgi-hello
RuntimeDirectoryMode=0755
KillMode=mixed
TimeoutStopSec=10
Restart=always
RestartSec=1
SyslogIdentifier=uwsgi-hello
# What it has no business with.
ProtectSystem=strict
ReadWritePaths=-/opt/apps/hello/shared
ProtectHome=yes
PrivateTmp=yes
CapabilityBoundingSet=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes

[Install]
WantedBy=uwsgi.service
`,
    );
  });

  it("hold back on systemd 219 what it would ignore, drop or fail with", () => {
    const unit = (platform: Platform) =>
      planApp("hello", appSchema.parse({}), source, platform, "2.0.31").unit.split("\n");
    const business = (lines: string[]) =>
      lines.slice(lines.indexOf("# What it has no business with.") + 1, lines.indexOf("[Install]") - 1);
    assert.deepEqual(business(unit(platforms.centos7)), [
      "ProtectSystem=full",
      "ProtectHome=yes",
      "PrivateTmp=yes",
      "CapabilityBoundingSet=",
    ]);
    const before = (lines: string[]) => lines.slice(0, lines.indexOf("# What it has no business with."));
    assert.deepEqual(
      before(unit(platforms.centos7)).map((line) => line.replace("Group=nginx", "Group=www-data")),
      before(unit(platforms.debian12)),
    );
  });

  it("stop an app that takes SIGTERM for a reload with SIGQUIT", () => {
    assert.deepEqual(changedLines(plan().unit, plan({ dieOnTerm: false }).unit), ["+ KillSignal=SIGQUIT"]);
  });

  it("do not expect a reload or a notification from an app without a master", () => {
    assert.deepEqual(changedLines(plan().unit, plan({ master: false }).unit), [
      "- # uWSGI says itself when the app is loaded: `systemctl start` waits for it and fails with it.",
      "- Type=notify",
      "- NotifyAccess=all",
      "- ExecReload=/bin/kill -HUP $MAINPID",
    ]);
  });

  it("are all started and stopped by uwsgi.service", () => {
    assert.equal(
      renderTemplate("uwsgi.service"),
      `[Unit]
Description=All apps under uWSGI: start, stop, reload or restart them together

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecReload=/bin/true

[Install]
WantedBy=multi-user.target
`,
    );
  });

  it("bring a killed nginx back", () => {
    assert.equal(
      renderTemplate("nginx-restart.conf"),
      "# A killed nginx comes back, after the workers it leaves behind, which would keep the port, are gone.\n[Service]\nKillMode=mixed\nRestart=on-failure\nRestartSec=1\n",
    );
  });
});

describe("the rendered site", () => {
  it("answers for every name when the app has no domain", () => {
    assert.equal(
      plan().site,
      `# The socket twice: a worker that ends for a reload may drop a connection that it has just taken, and then nginx asks
# once more. Never what might do something twice (POST and the like), nor because an app is slow.
upstream uwsgi-hello {
    server unix:/run/uwsgi-hello/uwsgi.sock max_fails=0;
    server unix:/run/uwsgi-hello/uwsgi.sock max_fails=0;
}

server {
    listen 80 default_server;
    listen [::]:80 default_server;

    location / {
        include uwsgi_params;
        uwsgi_pass uwsgi-hello;
        uwsgi_next_upstream error;
    }
}
`,
    );
  });

  it("answers for the app's domains only", () => {
    assert.deepEqual(changedLines(plan().site, plan({ domains: ["a.org", "*.a.org"] }).site), [
      "-     listen 80 default_server;",
      "-     listen [::]:80 default_server;",
      "+     listen 80;",
      "+     listen [::]:80;",
      "+     server_name a.org *.a.org;",
    ]);
  });
});

describe("templates", () => {
  it("refuse a name that is not defined", () => {
    assert.throws(() => renderTemplate("site.conf", { domains: [] }), /attempted to output null or undefined value/);
  });
});

describe("a release", () => {
  it("is named by its content: the same input is the same release", () => {
    assert.equal(plan().release, plan().release);
    assert.match(plan().release, /^[0-9a-f]{12}$/);
  });

  it("is another one when code, requirements, Python's uWSGI or settings change", () => {
    const releases = [
      plan(),
      plan({}, { hash: "4567" }),
      plan({}, { requirements: "flask\n" }),
      plan({}, {}, "2.0.30"),
      plan({ processes: 6 }),
    ].map(({ release }) => release);
    assert.equal(new Set(releases).size, releases.length);
  });

  it("stays the same when only its unit or site changes", () => {
    assert.equal(plan({ stopTimeoutSeconds: 20 }).release, plan().release);
    assert.notEqual(plan({ stopTimeoutSeconds: 20 }).unitHash, plan().unitHash);
    assert.equal(plan({ domains: ["a.org"] }).release, plan().release);
    assert.notEqual(plan({ domains: ["a.org"] }).siteHash, plan().siteHash);
  });

  it("shares its environment with every release that has the same requirements", () => {
    assert.equal(plan({}, { hash: "4567" }).venv, plan().venv);
    assert.notEqual(plan({}, { requirements: "flask\n" }).venv, plan().venv);
  });
});

describe("health checks", () => {
  it("ask with the app's first domain, or one below a wildcard", () => {
    assert.equal(plan().health.host_header, "localhost");
    assert.equal(plan({ domains: ["a.org", "b.org"] }).health.host_header, "a.org");
    assert.equal(plan({ domains: ["*.a.org"] }).health.host_header, "www.a.org");
  });
});

describe("the sample app", () => {
  it("can be read by Python 2, which takes ASCII only where nothing else is declared", () => {
    assert.match(asset("apps/hello/wsgi.py"), /^[\n -~]+$/);
  });
});

describe("an app's code", () => {
  let folder: string;
  const cache = () => path.join(folder, "cache");
  const code = () => path.join(folder, "code");

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "app-"));
    fs.mkdirSync(path.join(code(), "lib"), { recursive: true });
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 1\n");
    fs.writeFileSync(path.join(code(), "lib", "a.py"), "a = 1\n");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("packs to the same bytes whenever it is packed", () => {
    const first = packApp(code(), undefined, cache());
    const bytes = fs.readFileSync(first.archive);
    fs.rmSync(first.archive);
    fs.utimesSync(path.join(code(), "wsgi.py"), 1, 1);
    const second = packApp(code(), undefined, cache());
    assert.deepEqual(second, first);
    assert.ok(fs.readFileSync(second.archive).equals(bytes));
    assert.equal(execFileSync("tar", ["tzf", second.archive], { encoding: "utf8" }), "lib/a.py\nwsgi.py\n");
  });

  it("goes from this machine once no app has had it for a day", () => {
    const age = (file: string, hours: number) => {
      fs.utimesSync(file, new Date(), new Date(Date.now() - hours * 3_600_000));
    };
    const { archive: old } = packApp(code(), undefined, cache());
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 2\n");
    const { archive: recent } = packApp(code(), undefined, cache());
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 3\n");
    const { archive: used } = packApp(code(), undefined, cache());
    for (const [file, hours] of [
      [old, 25],
      [recent, 23],
      [used, 1000],
    ] as const)
      age(file, hours);
    packApp(code(), undefined, cache());
    pruneArchives(cache());
    assert.deepEqual(
      [old, recent, used].map((file) => fs.existsSync(file)),
      [false, true, true],
    );
  });

  it("is another when a file's text, name or executable bit changes", () => {
    const hashes = [packApp(code(), undefined, cache()).hash];
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 2\n");
    hashes.push(packApp(code(), undefined, cache()).hash);
    fs.chmodSync(path.join(code(), "wsgi.py"), 0o755);
    hashes.push(packApp(code(), undefined, cache()).hash);
    fs.renameSync(path.join(code(), "lib", "a.py"), path.join(code(), "lib", "b.py"));
    hashes.push(packApp(code(), undefined, cache()).hash);
    assert.equal(new Set(hashes).size, hashes.length);
  });

  it("leaves out what does not belong to it", () => {
    const before = packApp(code(), undefined, cache()).hash;
    for (const ignored of [".git", "__pycache__", "venv"]) {
      fs.mkdirSync(path.join(code(), ignored));
      fs.writeFileSync(path.join(code(), ignored, "file"), "x");
    }
    assert.equal(packApp(code(), undefined, cache()).hash, before);
  });

  it("brings its requirements, by default those in requirements.txt", () => {
    assert.equal(packApp(code(), undefined, cache()).requirements, "");
    fs.writeFileSync(path.join(code(), "requirements.txt"), "flask\n");
    fs.writeFileSync(path.join(code(), "lib", "r.txt"), "django\n");
    assert.equal(packApp(code(), undefined, cache()).requirements, "flask\n");
    assert.equal(packApp(code(), "lib/r.txt", cache()).requirements, "django\n");
  });
});

describe("the shell", () => {
  it("gets every text as one word", () => {
    for (const text of ["plain", "", "two words", "it's", "$(reboot)", "a\nb", "`x`", "\\", "*", "a=b;c"]) {
      const printed = execFileSync("bash", ["-c", `printf %s ${quote(text)}`], { encoding: "utf8" });
      assert.equal(printed, text);
    }
    assert.equal(commandLine(["rm", "-f", "--", "/a b"]), "rm -f -- '/a b'");
  });

  it("gets a script that does nothing when it is cut off on its way", () => {
    const text = script("build-uwsgi.sh", { parameters: { python: "/bin/false" } });
    const cut = text.slice(0, text.lastIndexOf("main"));
    assert.equal(execFileSync("bash", ["-s"], { input: cut, encoding: "utf8" }), "");
  });

  it("gets each parameter of a script on a line of its own", () => {
    const text = script("activate-site.sh", {
      parts: ["health.sh"],
      parameters: { app: "hello", contains: "it's" },
      triggers: { "nginx.conf": "abc" },
    });
    assert.equal(
      text.slice(text.lastIndexOf("# nginx.conf")),
      `# nginx.conf: abc\nmain "$@" \\\n  app=hello \\\n  'contains=it'\\''s' \\\n  </dev/null\n`,
    );
  });
});

describe("SSH keys", () => {
  const seed = Buffer.from(Array.from({ length: 32 }, (_, index) => index));

  it("are the same for the same seed, and OpenSSH reads them", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "key-"));
    try {
      const pair = ed25519KeyPair(seed);
      assert.deepEqual(ed25519KeyPair(seed), pair);
      const file = path.join(folder, "key");
      fs.writeFileSync(file, pair.privateKey, { mode: 0o600 });
      assert.equal(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim(), pair.publicKey);
      assert.equal(publicKeyOf(pair.privateKey), pair.publicKey);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("are refused when the seed is not 32 bytes or the text is no ed25519 key", () => {
    assert.throws(() => ed25519KeyPair(Buffer.alloc(31)), /32 bytes, not 31/);
    assert.throws(() => publicKeyOf("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), /no ed25519 key/);
  });
});

describe("the user-data", () => {
  const hostKey = { publicKey: "ssh-ed25519 AAAA", privateKey: "-----BEGIN-----\nabc\n-----END-----\n" };
  const withoutAgent = `#cloud-config
# The server's key is made with the stack, so that the very first connection is verified already: by this key, and no
# other is offered.
ssh_deletekeys: true
ssh_genkeytypes: []
ssh_keys:
  ed25519_public: ssh-ed25519 AAAA
  ed25519_private: |
    -----BEGIN-----
    abc
    -----END-----
bootcmd:
  - [cloud-init-per, instance, host-key, sed, -i, 1i HostKeyAlgorithms ssh-ed25519, /etc/ssh/sshd_config]
  # Every resource of a deployment dials for itself; the default of 10 drops some of them at random.
  - [cloud-init-per, instance, many-dials, sed, -i, 1i MaxStartups 100:30:200, /etc/ssh/sshd_config]
ssh_pwauth: false
`;

  it("gives the server its key, and lets it offer no other", () => {
    assert.equal(renderUserData({ hostKey }), withoutAgent);
  });

  it("installs Amazon's agent if it is asked for", () => {
    const ssmAgent = { platform: platforms.debian12, architecture: "arm64", region: "eu-west-1" } as const;
    assert.equal(
      renderUserData({ hostKey, ssmAgent }),
      `${withoutAgent}runcmd:
  - curl -fsSL --retry 5 -o /run/amazon-ssm-agent.deb https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_arm64/amazon-ssm-agent.deb && dpkg --install /run/amazon-ssm-agent.deb
`,
    );
  });
});

describe("an instance type's name", () => {
  it("tells its architecture", () => {
    const arm = ["t4g.small", "a1.large", "c7gn.xlarge", "x2gd.medium", "g5g.xlarge", "im4gn.large"];
    const intel = ["t3.micro", "g4dn.xlarge", "m7i-flex.large", "t3a.small", "u-6tb1.metal", "g6.xlarge"];
    assert.deepEqual([...new Set(arm.map(architectureOf))], ["arm64"]);
    assert.deepEqual([...new Set(intel.map(architectureOf))], ["x86_64"]);
  });
});
