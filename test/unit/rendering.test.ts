import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { load } from "js-yaml";
import { platforms } from "../../platforms";
import { architectureOf } from "../../platforms/ec2";
import { httpPort, withHost, withSecrets } from "../../rendering/app";
import { asset, renderTemplate, script } from "../../rendering/assets";
import { buildService } from "../../rendering/build";
import { retries } from "../../rendering/hardening";
import { fingerprint, secretsFile } from "../../rendering/secrets";
import { commandLine, quote } from "../../rendering/shell";
import { ed25519KeyPair, publicKeyOf } from "../../rendering/sshKey";
import { renderUserData } from "../../rendering/userData";
import { appSchema } from "../../settings/apps";
import { assertAllDiffer } from "../support/assertions";
import { helloFiles, helloPlan } from "../support/plans";

/** The settings of an app that sets none. */
const defaults = appSchema.parse({});

/** The differing lines of two texts. */
function changedLines(before: string, after: string): string[] {
  const lines = (text: string, other: string) => text.split("\n").filter((line) => !other.split("\n").includes(line));
  return [...lines(before, after).map((line) => `- ${line}`), ...lines(after, before).map((line) => `+ ${line}`)];
}

describe("rendered ini", () => {
  it("the default ini is the tutorial's", () => {
    assert.equal(
      helloFiles().ini,
      `[uwsgi]
# Where the app's code and environment are, and its callable.
chdir = /opt/apps/hello/current/app
virtualenv = /opt/apps/hello/current/venv
module = wsgi:application
need-app = true
# A request cannot load another app (UWSGI_FILE).
max-apps = 1
# Unknown options are errors.
strict = true
# What a reload starts, so that it also changes to another uWSGI.
binary-path = /opt/apps/hello/current/reload

# Bytes that the headers of a request may have: more than nginx lets through (large_client_header_buffers).
buffer-size = 65535
# Without it, threads that the app starts stand still.
enable-threads = true

master = ${defaults.master}
processes = ${defaults.processes}
uid = hello

# systemd has made it, as these lines say (uwsgi@hello.socket).
socket = /run/uwsgi-hello/uwsgi.sock
chown-socket = hello:www-data
chmod-socket = ${defaults.chmodSocket}
vacuum = ${defaults.vacuum}

die-on-term = ${defaults.dieOnTerm}
`,
    );
  });

  it("each setting changes one line of the ini", () => {
    const changes: [Record<string, unknown>, string, string][] = [
      [{ module: "site.app:main" }, `module = ${defaults.module}`, "module = site.app:main"],
      [{ module: "shop:create_app()" }, `module = ${defaults.module}`, "module = shop:create_app()"],
      [{ master: false }, "master = true", "master = false"],
      [{ processes: 7 }, `processes = ${defaults.processes}`, "processes = 7"],
      [{ socket: "/run/x/y.sock" }, "socket = /run/uwsgi-hello/uwsgi.sock", "socket = /run/x/y.sock"],
      [{ chownSocket: "a:b" }, "chown-socket = hello:www-data", "chown-socket = a:b"],
      [{ chmodSocket: "664" }, `chmod-socket = ${defaults.chmodSocket}`, "chmod-socket = 664"],
      [{ vacuum: false }, "vacuum = true", "vacuum = false"],
      [{ dieOnTerm: false }, "die-on-term = true", "die-on-term = false"],
    ];
    for (const [settings, before, after] of changes) {
      assert.deepEqual(changedLines(helloFiles().ini, helloFiles(settings).ini), [`- ${before}`, `+ ${after}`]);
    }
    assert.deepEqual(changedLines(helloFiles().ini, helloFiles({ uid: "web" }).ini), [
      "- uid = hello",
      "- chown-socket = hello:www-data",
      "+ uid = web",
      "+ chown-socket = web:www-data",
    ]);
  });
});

describe("rendered units", () => {
  const [metadata, shared] = ["169.254.169.254/32 fd00:ec2::254/128", "/opt/apps/hello/shared"];
  const { openFiles, logLines } = defaults.limits;
  const onCentos7 = { platform: platforms.centos7 };
  const rules = [
    "ExecStartPre=-/bin/sh -c 'iptables -w -C OUTPUT -d 169.254.169.254 -m owner --uid-owner hello -j REJECT || iptables -w -I OUTPUT -d 169.254.169.254 -m owner --uid-owner hello -j REJECT'",
    "ExecStartPre=-/bin/sh -c 'ip6tables -w -C OUTPUT -d fd00:ec2::254 -m owner --uid-owner hello -j REJECT || ip6tables -w -I OUTPUT -d fd00:ec2::254 -m owner --uid-owner hello -j REJECT'",
  ];

  it("an app's unit starts uWSGI directly, as the app's user, within limits and in a sandbox", () => {
    assert.equal(
      helloFiles().unit,
      `[Unit]
Description=uWSGI app hello
After=network.target
Before=uwsgi.service
PartOf=uwsgi.service
ReloadPropagatedFrom=uwsgi.service
Requires=%p@%i.socket
StartLimitIntervalSec=0

[Service]
# uWSGI notifies systemd when the app is loaded, so \`systemctl start\` waits for that and fails if the app does.
Type=notify
NotifyAccess=main
ExecReload=+/bin/kill -HUP $MAINPID
ExecStart=/opt/apps/hello/current/venv/bin/uwsgi --ini /opt/apps/hello/current/uwsgi.ini
User=hello
UMask=0027
# Variables may have paths that are relative to the code, such as PYTHONPATH.
WorkingDirectory=/opt/apps/hello/current/app
Environment=HOME=/opt/apps/hello/shared APP_NAME=hello APP_DATA=/opt/apps/hello/shared
EnvironmentFile=/opt/apps/hello/current/id
KillMode=mixed
TimeoutStopSec=${defaults.stopTimeoutSeconds}
Restart=always
RestartSec=2
SyslogIdentifier=uwsgi-hello
# Limits
MemoryMax=75%
OOMPolicy=continue
TasksMax=512
LimitNOFILE=${openFiles}
LimitFSIZE=${2 * 1024 ** 3}
LimitCORE=0
CPUWeight=100
LogRateLimitIntervalSec=30s
LogRateLimitBurst=${logLines}
# Sandboxing
ProtectSystem=strict
ReadOnlyPaths=/run
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
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
RemoveIPC=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ReadWritePaths=-${shared}
IPAddressDeny=${metadata}

[Install]
WantedBy=uwsgi.service
`,
    );
  });

  it("a unit for systemd 219 has all of it that this version supports", () => {
    assert.deepEqual(
      changedLines(helloFiles().unit, helloFiles({}, onCentos7).unit).filter((it) => it.startsWith("+")),
      [
        "+ ExecReload=/bin/kill -HUP $MAINPID",
        "+ StartLimitInterval=0",
        "+ MemoryLimit=1G",
        "+ CPUShares=1024",
        "+ ProtectSystem=full",
        "+ InaccessibleDirectories=-/var/spool/cron -/var/spool/at",
        "+ PermissionsStartOnly=yes",
        ...rules.map((rule) => `+ ${rule}`),
      ],
    );
    const { unit } = helloFiles({}, onCentos7);
    const sandboxing = unit.slice(unit.indexOf("# Sandboxing\n"), unit.indexOf("\n\n[Install]")).split("\n").slice(1);
    assert.deepEqual(sandboxing, [
      "ProtectSystem=full",
      "ProtectHome=yes",
      "PrivateTmp=yes",
      "CapabilityBoundingSet=",
      "InaccessibleDirectories=-/var/spool/cron -/var/spool/at",
      "DevicePolicy=closed",
      "PermissionsStartOnly=yes",
      ...rules,
    ]);
  });

  it("each limit changes one line of the unit", () => {
    const changes: [Record<string, unknown>, string, string][] = [
      [{ memory: "512M" }, "MemoryMax=75%", "MemoryMax=512M"],
      [{ tasks: 64 }, "TasksMax=512", "TasksMax=64"],
      [{ openFiles: 1024 }, `LimitNOFILE=${openFiles}`, "LimitNOFILE=1024"],
      [{ fileSize: "100M" }, `LimitFSIZE=${2 * 1024 ** 3}`, `LimitFSIZE=${100 * 1024 ** 2}`],
      [{ logLines: 500 }, `LogRateLimitBurst=${logLines}`, "LogRateLimitBurst=500"],
    ];
    for (const [limits, before, after] of changes) {
      assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ limits }).unit), [`- ${before}`, `+ ${after}`]);
    }
    const memory = { limits: { memory: "512M" } };
    assert.match(helloFiles(memory, onCentos7).unit, /^MemoryLimit=512M$/m);
    assert.match(helloFiles({ processes: 200 }).unit, /^TasksMax=800$/m);
  });

  it("an app reaches the instance metadata service only if a setting says so", () => {
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ instanceMetadata: true }).unit), [
      `- IPAddressDeny=${metadata}`,
    ]);
    const old = (settings: Record<string, unknown>) => helloFiles(settings, onCentos7).unit;
    assert.deepEqual(changedLines(old({}), old({ instanceMetadata: true })), [
      ...rules.map((rule) => `- ${rule}`),
      ...rules.map((rule) => `+ ${rule.replace(/'(.*) -C (.*) \|\| .*'/, "'$1 -D $2'")}`),
    ]);
  });

  it("systemd makes the app's socket, for nginx's group", () => {
    const text = (settings?: Record<string, unknown>, given?: Parameters<typeof helloFiles>[1]) =>
      helloFiles(settings, given).socket;
    assert.equal(
      text(),
      `# The app's socket. systemd makes it, so that the app needs no rights to the folder or to nginx's group, and keeps it open
# while the app restarts.
[Unit]
Description=Socket of the uWSGI app hello
PartOf=uwsgi.service

[Socket]
ListenStream=/run/uwsgi-hello/uwsgi.sock
SocketUser=hello
SocketGroup=www-data
SocketMode=0660
RemoveOnStop=true
TriggerLimitIntervalSec=0

[Install]
WantedBy=uwsgi.service
`,
    );
    assert.deepEqual(changedLines(text(), text({}, onCentos7)), [
      "- SocketGroup=www-data",
      "- TriggerLimitIntervalSec=0",
      "+ SocketGroup=nginx",
    ]);
    assert.deepEqual(changedLines(text(), text({ chownSocket: "a:b", chmodSocket: "600", vacuum: false })), [
      "- SocketUser=hello",
      "- SocketGroup=www-data",
      "- SocketMode=0660",
      "- RemoveOnStop=true",
      "+ SocketUser=a",
      "+ SocketGroup=b",
      "+ SocketMode=0600",
      "+ RemoveOnStop=false",
    ]);
  });

  it("a unit stops an app with SIGQUIT if SIGTERM reloads it", () => {
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ dieOnTerm: false }).unit), ["+ KillSignal=SIGQUIT"]);
  });

  it("the unit of an app without a master expects no reload and no notification", () => {
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ master: false }).unit), [
      "- # uWSGI notifies systemd when the app is loaded, so `systemctl start` waits for that and fails if the app does.",
      "- Type=notify",
      "- NotifyAccess=main",
      "- ExecReload=+/bin/kill -HUP $MAINPID",
    ]);
  });

  it("a command runs as the app does, may change its data and a code that is not complete, and nothing outlives it", () => {
    const { uwsgi_command = "", uwsgi_service = "" } = helloPlan({ commands: { build: ["true"] } }).manifest;
    const limitsAndSandbox = uwsgi_service.slice(
      uwsgi_service.indexOf("# Limits\n"),
      uwsgi_service.indexOf("\n[Install]"),
    );
    assert.equal(
      uwsgi_command,
      `[Unit]
Description=Command of the app hello

[Service]
Type=oneshot
ExecStart=/bin/bash /var/lib/uwsgi-nginx/commands/hello/command
WorkingDirectory=/opt/apps/hello/command/app
User=hello
UMask=0027
Environment=HOME=/opt/apps/hello/shared PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EnvironmentFile=-/opt/apps/hello/command/environment
EnvironmentFile=-/opt/apps/hello/command/secrets
# Nothing that it starts outlives it.
KillMode=control-group
KillSignal=SIGKILL
TimeoutStopSec=2
TimeoutStartSec=600
# A deployment starts several in a row.
StartLimitInterval=0
SyslogIdentifier=uwsgi-command@hello
# If memory runs out, a command ends before an app.
OOMScoreAdjust=500
${limitsAndSandbox.replace("RemoveIPC=yes\n", "").replace(
  `ReadWritePaths=-${shared}\n`,
  `ReadWritePaths=-${shared}
ReadWritePaths=-/opt/apps/hello/command/app
ReadWritePaths=-/var/lib/uwsgi-nginx/commands/hello
`,
)}`,
    );
    const { uwsgi_command: other = "" } = helloPlan({
      commands: { build: ["true"], timeoutSeconds: 5 },
      uid: "web",
    }).manifest;
    assert.deepEqual(changedLines(uwsgi_command, other), [
      "- User=hello",
      "- TimeoutStartSec=600",
      "+ User=web",
      "+ TimeoutStartSec=5",
    ]);
  });

  it("a build runs as its own user, may change only what is its own, and nothing that it starts outlives it", () => {
    assert.equal(
      buildService(platforms.debian12),
      `[Unit]
Description=Build of what is downloaded for %i

[Service]
Type=oneshot
ExecStart=/bin/bash /var/lib/uwsgi-nginx/builds/%i/command
User=_%i
Group=_%i
# Nothing that it starts outlives it.
KillMode=control-group
KillSignal=SIGKILL
TimeoutStopSec=2
TimeoutStartSec=3600
# A deployment starts several in a row.
StartLimitInterval=0
SyslogIdentifier=uwsgi-build-%i
# If memory runs out, a build ends before an app.
OOMScoreAdjust=500
TasksMax=1024
LimitCORE=0
LimitFSIZE=8589934592
# Sandboxing
ProtectSystem=strict
ReadOnlyPaths=/run
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
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
RemoveIPC=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ReadWritePaths=-/var/lib/uwsgi-nginx/builds/%i
ReadWritePaths=-/opt/apps/%i/venvs
ReadWritePaths=-/var/cache/uwsgi-nginx/%i
IPAddressDeny=169.254.169.254/32 fd00:ec2::254/128
InaccessiblePaths=-/run/dbus
MemoryMax=80%
`,
    );
    const lines = buildService(platforms.centos7).split("\n");
    assert.deepEqual(lines.slice(lines.indexOf("# Sandboxing") + 1), [
      ...["ProtectSystem=full", "ProtectHome=yes", "PrivateTmp=yes", "CapabilityBoundingSet="],
      ...["InaccessibleDirectories=-/var/spool/cron -/var/spool/at", "DevicePolicy=closed", "PermissionsStartOnly=yes"],
      ...rules.map((rule) => rule.replaceAll("hello", "_%i")),
      "InaccessibleDirectories=-/run/dbus",
      "",
    ]);
  });

  it("uwsgi.service starts and stops all apps", () => {
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

  it("a drop-in of nginx's unit restarts a killed nginx", () => {
    const about =
      "# Restarts nginx if it was killed, after its remaining workers, which keep the port open, have ended, and until it starts.\n";
    const service = "[Service]\nKillMode=mixed\nRestart=on-failure\nRestartSec=2\n";
    const text = (systemd: number) => renderTemplate("nginx-restart.conf", { retries: retries(systemd) });
    assert.equal(text(252), `${about}[Unit]\nStartLimitIntervalSec=0\n${service}`);
    assert.equal(text(219), `${about}${service}StartLimitInterval=0\n`);
  });
});

describe("rendered site", () => {
  it("the site of an app without domains is the default server", () => {
    assert.equal(
      helloFiles().site,
      `# The socket is listed twice, so that nginx retries if a worker closes a connection when uWSGI reloads. nginx does not retry
# requests that are not idempotent (such as POST), nor requests that time out.
upstream uwsgi-hello {
    server unix:/run/uwsgi-hello/uwsgi.sock max_fails=0;
    server unix:/run/uwsgi-hello/uwsgi.sock max_fails=0;
}

server {
    listen ${httpPort} default_server;
    listen [::]:${httpPort} default_server;

    # The port that the visitor asks for, which is not always this one.
    set $asked_port "";
    if ($http_host ~ "(:[0-9]+)$") {
        set $asked_port $1;
    }

    location / {
        include uwsgi_params;
        # Apps make addresses of it. Debian's uwsgi_params leaves the port out; of two values the app gets the last.
        uwsgi_param HTTP_HOST $host$asked_port;
        # nginx has read such a body whole and passes its length, but apps would take it for one without.
        uwsgi_param HTTP_TRANSFER_ENCODING "" if_not_empty;
        uwsgi_pass uwsgi-hello;
        uwsgi_next_upstream error;
    }
}
`,
    );
  });

  it("the site of an app with domains answers only for them", () => {
    assert.deepEqual(changedLines(helloFiles().site, helloFiles({ domains: ["a.org", "*.a.org"] }).site), [
      `-     listen ${httpPort} default_server;`,
      `-     listen [::]:${httpPort} default_server;`,
      `+     listen ${httpPort};`,
      `+     listen [::]:${httpPort};`,
      "+     server_name a.org *.a.org;",
    ]);
  });

  it("the site serves copies of static folders, which change with the live release", () => {
    const settings = { static: { "/static/": "staticfiles", "/img/": "web/img" } };
    assert.deepEqual(changedLines(helloFiles().site, helloFiles(settings).site), [
      "+     location ^~ /static/ {",
      "+         alias /opt/apps/hello/current/static/static/;",
      "+     location ^~ /img/ {",
      "+         alias /opt/apps/hello/current/static/img/;",
    ]);
    assert.equal(helloPlan(settings).manifest.static_folders, "img=web/img static=staticfiles");
  });
});

describe("templates", () => {
  it("rendering a template fails if a name is not defined", () => {
    assert.throws(() => renderTemplate("site.conf", { domains: [] }), /attempted to output null or undefined value/);
  });
});

describe("releases", () => {
  const release = (...given: Parameters<typeof helloPlan>) => helloPlan(...given).manifest.release;

  it("the same input gives the same release id", () => {
    assert.equal(release(), release());
    assert.match(release(), /^[0-9a-f]{12}$/);
  });

  it("a change of the code, the requirements, uWSGI or a setting gives another release id", () => {
    assertAllDiffer([
      release(),
      release({}, { source: { hash: "4567" } }),
      release({}, { source: { requirements: "flask\n" } }),
      release({}, { uwsgi: { from: "source", version: "2.0.30" } }),
      release({}, { uwsgi: { from: "wheel", version: "2.0.30" } }),
      release({}, { uwsgi: { from: "distribution", version: "2.0.30" } }),
      release({ processes: defaults.processes + 1 }),
      release({ static: { "/static/": "staticfiles" } }),
    ]);
  });

  it("other commands give another release id and are shown, and another timeout keeps it", () => {
    const [build, run] = [["a 'b' $C", "d"], ["e"]];
    const plan = helloPlan({ commands: { build, release: run } });
    assert.equal(plan.shown.commands, "build: a 'b' $C\nbuild: d\nrelease: e\neach within 600 s\n");
    const { build_commands, release_commands, command_timeout } = plan.manifest;
    assert.deepEqual([build_commands, release_commands, command_timeout], ["a 'b' $C\nd\n", "e\n", "600"]);
    assert.equal(release({ commands: { build, release: run, timeoutSeconds: 5 } }), plan.manifest.release);
    assertAllDiffer([
      release(),
      plan.manifest.release,
      release({ commands: { build } }),
      release({ commands: { release: build } }),
    ]);
    assert.equal(helloPlan({ commands: { timeoutSeconds: 5 } }).manifest.uwsgi_command, "");
    assert.equal(helloPlan().shown.commands, undefined);
  });

  it("a change of only the unit or the site keeps the release id", () => {
    assert.equal(release({ stopTimeoutSeconds: defaults.stopTimeoutSeconds + 1 }), release());
    assert.equal(release({ domains: ["a.org"] }), release());
    assert.equal(withHost(helloPlan().manifest, "a.org").release, release());
  });

  it("other variables or kept paths give another release id, and another folder outside of the app does not", () => {
    assertAllDiffer([
      release(),
      release({ environment: { A: "1" } }),
      release({ environment: { A: "2" } }),
      release({ folders: ["media"] }),
      release({ files: ["media"] }),
    ]);
    assert.equal(release({ readWritePaths: ["/srv/media"] }), release());
  });

  it("other secrets give another release id", () => {
    const plan = helloPlan({ secrets: { TOKEN: "a" } });
    const releases = ["1234", "5678", "1234"].map((it) => withSecrets(plan, it).release);
    assertAllDiffer([plan.manifest.release, ...releases.slice(0, 2)]);
    assert.equal(releases[2], releases[0]);
  });

  it("releases with the same requirements share an environment", () => {
    const { venv } = helloPlan().manifest;
    assert.equal(helloPlan({}, { source: { hash: "4567" } }).manifest.venv, venv);
    assert.notEqual(helloPlan({}, { source: { requirements: "flask\n" } }).manifest.venv, venv);
  });
});

describe("what an app gets besides its code", () => {
  const environment = { A: "1", QUOTED: `"a" \\ $b \`c\`` };

  it("plain variables are in a file of the release, which its unit names, and a preview shows them", () => {
    const { manifest, shown } = helloPlan({ environment });
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ environment }).unit), [
      "+ EnvironmentFile=/opt/apps/hello/current/environment",
    ]);
    assert.equal(manifest.environment, 'A="1"\nQUOTED="\\"a\\" \\\\ \\$b \\`c\\`"\n');
    assert.equal(shown.environment, manifest.environment);
  });

  it("kept folders and files are in the manifest, and a preview shows them", () => {
    const { manifest, shown } = helloPlan({ folders: ["media", "var/log/"], files: ["db.sqlite3"] });
    assert.deepEqual([manifest.kept_folders, manifest.kept_files], ["media\nvar/log\n", "db.sqlite3\n"]);
    assert.deepEqual([shown["kept folders"], shown["kept files"]], ["media var/log", "db.sqlite3"]);
  });

  it("other paths that the app may write to are lines of its unit, and of that of its commands", () => {
    const command = helloPlan({ readWritePaths: ["/srv/a"], commands: { build: ["true"] } }).manifest.uwsgi_command;
    assert.match(command ?? "", /^ReadWritePaths=-\/srv\/a$/m);
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ readWritePaths: ["/srv/a", "/srv/b"] }).unit), [
      "+ ReadWritePaths=-/srv/a",
      "+ ReadWritePaths=-/srv/b",
    ]);
  });
});

describe("secrets", () => {
  const secrets = { TOKEN: "a", QUOTED: `"a" \\ $b \`c\``, LINES: "1\n2\n" };

  it("an app with secrets gets them from a file of its release", () => {
    assert.deepEqual(changedLines(helloFiles().unit, helloFiles({ secrets }).unit), [
      "+ EnvironmentFile=/opt/apps/hello/current/secrets",
    ]);
    assert.ok(!JSON.stringify(helloPlan({ secrets }).manifest).includes("TOKEN"), "the manifest has no secrets");
  });

  it("secrets are an environment file that names their set and ends with a line of its own", () => {
    assert.equal(
      secretsFile(secrets, "1234"),
      `# 1234
TOKEN="a"
QUOTED="\\"a\\" \\\\ \\$b \\\`c\\\`"
LINES="1
2
"
# end of 1234
`,
    );
  });

  it("a fingerprint depends on the secrets and on its key, and shows neither", () => {
    assert.equal(fingerprint(secrets, "key"), fingerprint({ ...secrets }, "key"));
    assert.match(fingerprint(secrets, "key"), /^[0-9a-f]{32}$/);
    assertAllDiffer([
      fingerprint(secrets, "key"),
      fingerprint(secrets, "other"),
      fingerprint({ ...secrets, TOKEN: "b" }, "key"),
      fingerprint({ TOKEN: "a" }, "key"),
    ]);
  });
});

describe("health checks", () => {
  it("the Host header of health checks is the app's first domain, or a name below its wildcard", () => {
    const host = (domains: string[]) => helloPlan({ domains }).manifest.host_header;
    assert.equal(host([]), "localhost", "until there is a server, whose address takes its place");
    assert.equal(host(["a.org", "b.org"]), "a.org");
    assert.equal(host(["*.a.org"]), "www.a.org");
    const healthCheck = { host: "b.org:8080" };
    assert.equal(helloPlan({ domains: ["a.org"], healthCheck }).manifest.host_header, "b.org:8080");
  });

  it("the statuses that are expected are a list, empty for any from 200 to 399", () => {
    const expected = (status?: unknown) => helloPlan({ healthCheck: { status } }).manifest.expected;
    assert.deepEqual([expected(), expected(401), expected([200, 204])], ["", "401", "200 204"]);
  });
});

describe("a preview", () => {
  const changes = (...changed: Parameters<typeof helloPlan>) => {
    const [before, after] = [helloPlan().shown, helloPlan(...changed).shown];
    return Object.keys(after).filter((name) => after[name] !== before[name]);
  };

  it("shows a change under the name of the file that it is in, and nowhere else", () => {
    assert.deepEqual(changes({ processes: defaults.processes + 1 }), ["uwsgi.ini"]);
    assert.deepEqual(changes({ stopTimeoutSeconds: defaults.stopTimeoutSeconds + 1 }), ["uwsgi.service"]);
    assert.deepEqual(changes({ domains: ["a.org"] }), ["nginx.conf"]);
    assert.deepEqual(changes({ static: { "/static/": "staticfiles" } }), ["nginx.conf"]);
    assert.deepEqual(changes({ healthCheck: { path: "/up" } }), ["health check"]);
    assert.deepEqual(changes({}, { source: { requirements: "flask\n" } }), ["requirements.txt"]);
    assert.deepEqual(changes({}, { source: { hash: "fedcba" } }), ["code"]);
  });

  it("says in one line what the health check is", () => {
    const text = (healthCheck: Record<string, unknown>) => helloPlan({ healthCheck }).shown["health check"];
    assert.equal(text({}), `GET / within ${defaults.healthCheck.timeoutSeconds} s`);
    assert.equal(text({ path: "/up", contains: "ok", timeoutSeconds: 3 }), 'GET /up within 3 s, containing "ok"');
    assert.equal(
      text({ host: "a.org", status: [200, 401], timeoutSeconds: 3 }),
      "GET / (Host: a.org) within 3 s, with status 200 or 401",
    );
  });
});

describe("sample app", () => {
  it("the sample app is pure ASCII, because Python 2 rejects other characters without an encoding declaration", () => {
    assert.match(asset("apps/hello/wsgi.py"), /^[\n -~]+$/);
  });
});

describe("shell", () => {
  it("every text is quoted as one word", () => {
    for (const text of ["plain", "", "two words", "it's", "$(reboot)", "a\nb", "`x`", "\\", "*", "a=b;c"]) {
      const printed = execFileSync("bash", ["-c", `printf %s ${quote(text)}`], { encoding: "utf8" });
      assert.equal(printed, text);
    }
    assert.equal(commandLine(["rm", "-f", "--", "/a b"]), "rm -f -- '/a b'");
  });

  it("an incompletely transferred script does nothing", () => {
    const text = script("wait-for-boot.sh", { parameters: { timeout: "1" } });
    const cut = text.slice(0, text.lastIndexOf("main"));
    assert.equal(execFileSync("bash", ["-s"], { input: cut, encoding: "utf8" }), "");
  });

  it("each parameter of a script is on a line of its own", () => {
    const text = script("wait-for-boot.sh", { parameters: { timeout: "1", check_sudo: "it's" } });
    assert.equal(
      text.slice(text.lastIndexOf("main")),
      `main \\\n  timeout=1 \\\n  'check_sudo=it'\\''s' \\\n  </dev/null\n`,
    );
  });
});

describe("SSH keys", () => {
  const seed = Buffer.from(Array.from({ length: 32 }, (_, index) => index));

  it("the same seed gives the same key pair, which OpenSSH can read", () => {
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

  it("a seed that is not 32 bytes long and a text that is not an ed25519 key are rejected", () => {
    assert.throws(() => ed25519KeyPair(Buffer.alloc(31)), /32 bytes, not 31/);
    assert.throws(() => publicKeyOf("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), /not an ed25519 key/);
  });
});

describe("user data", () => {
  const hostKey = { publicKey: "ssh-ed25519 AAAA", privateKey: "-----BEGIN-----\nabc\n-----END-----\n" };
  const withoutAgent = `#cloud-config
# The host key comes from the stack, so that the first connection is already verified. The server offers no other key.
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
  # Each resource of a deployment opens its own connection, and with the default of 10 sshd drops some of them.
  - [cloud-init-per, instance, max-startups, sed, -i, 1i MaxStartups 100:30:200, /etc/ssh/sshd_config]
ssh_pwauth: false
`;

  it("user data sets the host key and disables all others", () => {
    assert.equal(renderUserData({ hostKey }), withoutAgent);
  });

  it("user data installs Amazon's SSM agent if requested, with the script that checks its signature", () => {
    const ssmAgent = { platform: platforms.debian12, architecture: "arm64", region: "eu-west-1" } as const;
    const text = renderUserData({ hostKey, ssmAgent });
    assert.equal(text.slice(0, withoutAgent.length), withoutAgent);
    const { write_files: files, runcmd } = load(text) as Record<string, unknown>;
    const parameters = {
      url: "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_arm64/amazon-ssm-agent.deb",
      fingerprint: "1C5B395CBE5E74E2F1CA21592784DBF388D19D46",
      keys: "https://raw.githubusercontent.com/aws/amazon-ecs-agent/master/scripts/amazon-ssm-agent.gpg",
      install: "dpkg --install",
      notice: "/run/uwsgi-nginx-boot-notice",
    };
    const content = script("install-ssm-agent.sh", { parameters });
    assert.deepEqual(files, [{ path: "/run/install-ssm-agent.sh", content }]);
    assert.deepEqual(runcmd, [["bash", "/run/install-ssm-agent.sh"]]);
    assert.ok(Buffer.byteLength(text) < 16_384, "EC2's limit");
  });
});

describe("instance types", () => {
  it("the name of an instance type shows its architecture", () => {
    const arm = ["t4g.small", "a1.large", "c7gn.xlarge", "x2gd.medium", "g5g.xlarge", "im4gn.large"];
    const intel = ["t3.micro", "g4dn.xlarge", "m7i-flex.large", "t3a.small", "u-6tb1.metal", "g6.xlarge"];
    assert.deepEqual([...new Set(arm.map(architectureOf))], ["arm64"]);
    assert.deepEqual([...new Set(intel.map(architectureOf))], ["x86_64"]);
  });
});
