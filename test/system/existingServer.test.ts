// A server that a user has: reached through a bastion and by sudo, serving others' sites, left as it was found.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { platforms } from "../../platforms";
import { extraCaCertificates } from "../../settings/caCertificates";
import { environment } from "../../toolchain/environment.mjs";
import { Stack } from "../../toolchain/stack.mjs";
import { root } from "../support/engine";
import { Gateway } from "../support/gateway";
import { httpGet, underLoad, type LoadResult } from "../support/load";
import { makeKey } from "../support/keys";
import { serverSettings, onEachPlatform } from "../support/platforms";
import { Product, type Settings } from "../support/product";
import { TestServer } from "../support/testServer";
import { waitFor } from "../support/waitFor";

/** The connection is the same on every system. */
const triesConnections = platforms.debian12;
/** What no package brings. */
const notOfPackages =
  /uwsgi-nginx|uwsgi[@.]|hello|epel|^. \/(home|opt|root|run|srv|tmp|usr\/local|var\/(cache|spool|tmp))\/|^. \/etc\/(nginx\/conf\.d\/.*\.conf|pki\/rpm-gpg|sudoers|yum)/;
/** How the package leaves nginx. */
const nginxAsPackaged: Record<string, string> = { debian12: "enabled active", centos7: "disabled inactive" };
const word = Math.random().toString(36).slice(2);
const password = `pass '"$word ${word}`;
const app = (text: string) => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;

onEachPlatform("a server that one has", function (test) {
  this.timeout(600_000);
  this.bail(true);

  const { platform, python } = test;
  let server: TestServer;
  let bastion: TestServer;
  let product: Product;
  let system: Settings;
  let gateway: Gateway;
  let agent: { process: ChildProcess; socket: string };
  let hostKeys: string;
  let found: string;
  /** Of the server, seen from the bastion. */
  let address: string;

  /** All that may be somebody's on the server: files with owner, mode, target and content, users, units. */
  async function listing(): Promise<string> {
    // What the system itself writes on any day: run-time state, the backups of passwd, group and dpkg, and what it knows
    // of its packages, which are listed by their names.
    const volatile = [
      ..."systemd log user sudo dbus mount utmp motd.dynamic nginx.pid".split(" ").map((name) => `/run/${name}`),
      ..."systemd sudo dpkg/status-old rpm dnf yum/history yum/yumdb yum/rpmdb-indexes"
        .split(" ")
        .map((name) => `/var/lib/${name}`),
      ..."passwd- shadow- group- gshadow-".split(" ").map((name) => `/etc/${name}`),
      // Where Debian's rpm, of a double, has its own.
      "/root/.rpmdb",
    ];
    const skipped = volatile.map((path) => `-path ${path} -prune -o`).join(" ");
    return server.sh(`
      cd /
      find /etc /home /opt /root /run /srv /tmp /usr/local /var/cache/yum /var/lib /var/spool /var/tmp ${skipped} \
        \\( -type f -printf '%p %u:%g %m ' -exec sh -c 'sha256sum < "$1"' sh {} \\; \\) -o -printf '%p %u:%g %m %y %l\\n' | sort
      cat /etc/passwd /etc/group
      ! command -v rpm > /dev/null || rpm --query --all | sort
      systemctl list-unit-files --no-legend
      systemctl list-units --all --no-legend --plain 'uwsgi*' 'nginx*' | cut -d' ' -f1-4
    `);
  }

  /** Lines of the listing that are not as before. */
  async function traces(): Promise<string[]> {
    const now = (await listing()).split("\n");
    const before = found.split("\n");
    const missing = (from: string[], other: string[]) => from.filter((line) => !other.includes(line));
    return [...missing(before, now).map((line) => `- ${line}`), ...missing(now, before).map((line) => `+ ${line}`)];
  }

  const direct = (more: Settings = {}): Settings => ({
    ...system,
    kind: "ssh",
    address: "127.0.0.1",
    port: server.connection.port,
    hostKey: hostKeys,
    privateKey: server.connection.privateKey,
    httpPort: server.port(80),
    ...(extraCaCertificates({ kind: "container" }) === undefined ? {} : { caCertificates: "ca.pem" }),
    ...more,
  });
  const behind = (more: Settings = {}) => direct({ address, port: 22, bastion: through(), ...more });
  const through = (more: Settings = {}): Settings => ({
    address: "127.0.0.1",
    port: bastion.connection.port,
    user: "jumper",
    hostKey: bastion.connection.hostKey,
    privateKey: bastion.connection.privateKey,
    ...more,
  });

  const hello = { source: "apps/hello", domains: ["app.example.org"], python };
  const configure = (settings: Settings, apps: Settings = { hello }) => product.configure({ server: settings, apps });

  /** As a user does: encrypted in the settings. */
  const givePassword = () =>
    product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:server.sudoPassword", password);

  const ours = () => httpGet(`http://127.0.0.1:${server.port(80)}/`, { host: "app.example.org" });
  const theirs = () => `http://127.0.0.1:${server.port(80)}/`;
  const undisturbed = (load: LoadResult) => {
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: ["theirs\n"] });
  };

  before(async function () {
    const settings = await serverSettings(test, this);
    system = Object.fromEntries(Object.entries(settings).filter(([name]) => name !== "image"));
    [server, bastion] = await Promise.all([
      // Some like csh, which has other quotes.
      TestServer.startWith(test, settings, ["tcsh"]),
      TestServer.start({ sshdConfig: ["Match User locked", "AllowTcpForwarding no"] }),
    ]);
    await bastion.sh("for user in jumper locked; do useradd --create-home --shell /bin/bash $user; done");
    // As most servers are: with keys of several kinds.
    await server.sh(`
      ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key
      sed -i '1i HostKey /etc/ssh/ssh_host_ecdsa_key' /etc/ssh/sshd_config
      systemctl restart sshd
      useradd --create-home --shell /bin/tcsh admin
      # Debian's sudo makes it for a user who uses it for the first time.
      install --owner admin --group admin --mode 644 /dev/null /home/admin/.sudo_as_admin_successful
      echo 'admin ALL=(ALL) ALL' > /etc/sudoers.d/admin
      useradd --create-home --shell /bin/sh deploy
      useradd --create-home --shell /bin/bash guest
      useradd --create-home --shell /bin/bash terminal
      echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy
      printf 'terminal ALL=(ALL) NOPASSWD: ALL\\nDefaults:terminal requiretty\\n' > /etc/sudoers.d/terminal
    `);
    const quoted = password.replaceAll("'", `'\\''`);
    await server.sh(`for user in admin guest; do printf '%s:%s\\n' $user '${quoted}'; done | chpasswd`);
    hostKeys = [server.connection.hostKey, await server.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ecdsa_key.pub")].join(
      "\n",
    );

    // Nothing resolves its own name, as where a cloud has given it one.
    await server.sh("sed '/^127/!d' /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts && rm /tmp/hosts");
    await assert.rejects(server.sh("getent ahosts $(hostname)"));

    address = (await server.sh("hostname -I")).split(" ")[0] ?? "";

    gateway = await Gateway.start(server);
    product = await Product.make({}, test);
    await product.writeApp("hello", { "wsgi.py": app("ours") });
    await writeFile(join(product.projectDir, "ca.pem"), extraCaCertificates({ kind: "container" }) ?? "");
    found = await listing();
  });
  after(async () => {
    (agent as typeof agent | undefined)?.process.kill();
    await (gateway as Gateway | undefined)?.stop();
    await (product as Product | undefined)?.remove();
    await TestServer.stopAll();
  });

  const connections: [string, () => Settings, RegExp][] = [
    [
      "shows another host key",
      () => direct({ hostKey: makeKey().public }),
      /after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
    ],
    [
      "does not know the key",
      () => direct({ privateKey: makeKey().private }),
      /after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate/,
    ],
    [
      "shows another host key behind the bastion",
      () => behind({ hostKey: makeKey().public }),
      /proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
    ],
    [
      "is behind a bastion that does not know the key",
      () => behind({ bastion: through({ privateKey: makeKey().private }) }),
      /proxy: after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate/,
    ],
    [
      "is behind a bastion that lets nobody through",
      () => behind({ bastion: through({ user: "locked" }) }),
      /proxy: after 0 failed attempts: ssh: rejected: administratively prohibited/,
    ],
  ];
  const logins: [string, () => Settings, RegExp][] = [
    [
      "asks for a password that was not given",
      () => direct({ user: "admin" }),
      /sudo on this server asks admin for a password; nothing was changed\n +Set it: pulumi config set --secret --path server\.sudoPassword/,
    ],
    [
      "does not take the password",
      () => direct({ user: "admin", sudoPassword: `not ${password}` }),
      /sudo on this server does not take the password of admin; nothing was changed/,
    ],
    [
      "does not let the user use sudo",
      () => direct({ user: "guest", sudoPassword: password }),
      /sudo on this server refuses guest: guest is not in the sudoers file/,
    ],
    [
      "wants a terminal for sudo",
      () => direct({ user: "terminal" }),
      /sudo on this server wants a terminal \(requiretty\); nothing was changed\n +Remove the line 'Defaults requiretty' there/,
    ],
  ];
  for (const [what, host, message] of [...(platform === triesConnections ? connections : []), ...logins]) {
    it(`is refused at the first step when it ${what}`, async () => {
      await configure(host());
      const { output } = await product.failUp();
      assert.match(output, message);
      assert.ok(!output.includes(password), output);
    });
  }

  const states: [string, string, string, RegExp][] = [
    [
      "has a file in the stack's place, as from the tutorial done by hand",
      "touch /etc/systemd/system/uwsgi.service",
      "rm /etc/systemd/system/uwsgi.service",
      /the server has \/etc\/systemd\/system\/uwsgi\.service already, and this stack needs that place; nothing was changed/,
    ],
    [
      "has a read-only /etc",
      "mount --bind /etc /etc; mount -o remount,ro,bind /etc",
      "umount /etc",
      /\/etc on this server cannot be written to: \/etc .*\bro\b.*; nothing was changed/,
    ],
    [
      "has a full disk",
      "mount -t tmpfs -o size=5m tmpfs /opt",
      "umount /opt",
      /the server's disk is full: 5 MB are left for \/opt, and 100 MB are needed; nothing was changed/,
    ],
  ];
  for (const [what, make, mend, message] of states) {
    it(`is refused before anything is changed when it ${what}`, async () => {
      await server.sh(make, "--privileged");
      try {
        await configure(direct());
        assert.match((await product.failUp()).output, message);
      } finally {
        await server.sh(mend, "--privileged");
      }
    });
  }

  it("keeps nothing of a first up that failed", async () => {
    await configure(direct({ user: "deploy" }), { hello: { ...hello, packages: ["no-such-package-anywhere"] } });
    assert.match((await product.failUp()).output, /there is no such package: no-such-package-anywhere/);
  });

  it("has not been touched by any of that", async () => {
    assert.deepEqual(await traces(), []);
  });

  it("keeps nothing but packages once it is destroyed, and nginx as its package leaves it", async () => {
    // What was refused has left texts in the state, and an up of some resources alone must not remove them.
    await product.destroy();
    await configure(direct({ user: "deploy", proxy: gateway.proxy, pipIndex: gateway.index }));
    const base = ["prepare-server", `build-uwsgi-python${python}`, "nginx-restart", "install-nginx"];
    await product.up(
      ...["server", "base", ...base.map((name) => `base-${name}`)].flatMap((name) => ["--target", `**::${name}`]),
    );
    assert.equal(await server.sh("systemctl is-enabled nginx; systemctl is-active nginx"), "enabled\nactive");
    await product.destroy();
    assert.deepEqual(
      (await traces()).filter((line) => notOfPackages.test(line)),
      [],
    );
    const state = await server.sh(
      "echo $(systemctl is-enabled nginx) $(systemctl is-active --quiet nginx && echo active || echo inactive)",
    );
    assert.equal(state, nginxAsPackaged[platform.name]);
  });

  it("took its packages and pip's through the proxy and from the index that the settings name", () => {
    const { asked } = gateway;
    assert.ok(
      asked.some((it) => /^GET http:.*\/nginx[^/]*\.(deb|rpm)$/.test(it)),
      asked.join("\n"),
    );
    assert.ok(asked.includes(`GET ${gateway.index}/uwsgi/`), asked.join("\n"));
    assert.ok(asked.includes("CONNECT files.pythonhosted.org:443"), asked.join("\n"));
  });

  it("gets a site of others", async () => {
    // It has the machine's address for its name.
    await server.sh(`
      mkdir -p /srv/theirs && echo theirs > /srv/theirs/index.html
      printf 'server {\\n listen 80;\\n server_name 127.0.0.1;\\n root /srv/theirs;\\n}\\n' > /etc/nginx/conf.d/theirs.conf
      systemctl enable --quiet nginx
      systemctl restart nginx
    `);
    assert.deepEqual(await httpGet(theirs()), { status: 200, text: "theirs\n" });
    found = await listing();
  });

  it("keeps nothing of a first release that failed, once it is destroyed", async () => {
    await product.writeApp("broken", { "wsgi.py": "import nothere\n" });
    await configure(direct({ user: "deploy" }), { hello: { ...hello, source: "apps/broken" } });
    assert.match(
      (await product.failUp()).output,
      /No module named '?nothere'?[^]*it does not start; nothing is live yet/,
    );
    await product.destroy();
    assert.deepEqual(await traces(), []);
  });

  it("serves the app beside the sites of others, through a bastion, with sudo and a password", async () => {
    await configure(behind({ user: "admin" }));
    await givePassword();
    const watched = server.sh("until [ -e /run/over ]; do ps -eo args --no-headers; sleep 0.2; done | sort -u");
    const load = await underLoad(theirs(), async () => {
      const { output } = await product.up("--diff").finally(() => server.sh("touch /run/over"));
      assert.ok(!output.includes(word), output);
    });
    undisturbed(load);
    const commandLines = await watched;
    await server.sh("rm /run/over");
    assert.match(commandLines, /sudo -S -p {2}bash -c .* bash -s -- up/);
    assert.ok(!commandLines.includes(word), "the password is in no command line");
    assert.deepEqual(await ours(), { status: 200, text: "ours" });
    assert.match((await product.up()).output, /^ +\d+ unchanged\n\nDuration/m);
    assert.equal(await product.ssh("id -un"), "admin", "the output's command line logs in, through the bastion too");
  });

  it("shows the line that changes, and the password nowhere", async () => {
    await configure(behind({ user: "admin" }), { hello: { ...hello, processes: 7 } });
    await givePassword();
    const { output } = await product.preview("--diff");
    assert.match(output, /^\s+- processes = 5\n\s+\+ processes = 7$/m);
    assert.ok(!output.includes(word), output);
    assert.ok(!(await product.exportText()).includes(word));
    const places = "/etc /home /opt /root /run /tmp /var";
    assert.equal(
      await server.sh(`grep --recursive --files-with-matches --devices=skip '${word}' ${places} || true`),
      "",
    );
    assert.equal(await server.sh(`journalctl --no-pager | grep --count '${word}' || true`), "0");
  });

  it("is the same server for another login, by an ssh-agent and without a password: nothing is made anew, nobody is disturbed", async () => {
    await configure(direct({ user: "deploy", privateKey: undefined }), { hello: { ...hello, processes: 7 } });
    agent = await startAgent(server.connection.privateKey);
    product.env.SSH_AUTH_SOCK = agent.socket;
    const load = await underLoad(theirs(), async () => {
      assert.doesNotMatch((await product.up()).output, /\d+ (replaced|created)/);
    });
    undisturbed(load);
    assert.deepEqual(await ours(), { status: 200, text: "ours" });
    assert.match(await server.sh("cat /opt/apps/hello/current/uwsgi.ini"), /^processes = 7$/m);
  });

  it("is refused to another stack", async () => {
    const other = await Product.make({}, { ...test, stack: "other" });
    try {
      await other.writeApp("hello", { "wsgi.py": app("other") });
      await writeFile(join(other.projectDir, "ca.pem"), extraCaCertificates({ kind: "container" }) ?? "");
      await other.configure({ server: direct({ user: "deploy" }), apps: { hello } });
      const { output } = await other.failUp();
      assert.match(output, /this server is the stack uwsgi-nginx\/test's; nothing was changed/);
      assert.match(output, /warning: server\.privateKey stands unencrypted in Pulumi\.other\.yaml\./);
      await other.destroy();
    } finally {
      await other.remove();
    }
    assert.deepEqual(await ours(), { status: 200, text: "ours" });
  });

  const conflicts: [string, Settings, RegExp][] = [
    [
      "has another site's name",
      { hello: { ...hello, domains: ["app.example.org", "127.0.0.1"] } },
      /another site on this server has these names already, so that of app hello was withdrawn: 127\.0\.0\.1/,
    ],
    [
      "would answer for every name, as another site does",
      { hello: { source: "apps/hello", python } },
      /another site on this server answers for every name already[^]*a duplicate default server for 0\.0\.0\.0:80[^]*apps\.hello\.domains/,
    ],
    [
      "would overwrite another site",
      { hello, theirs: { ...hello, domains: ["theirs.example.org"] } },
      /the server has \/etc\/nginx\/conf\.d\/theirs\.conf already, and it is not app theirs's/,
    ],
  ];
  for (const [what, apps, message] of conflicts) {
    it(`keeps the sites as they are when the app ${what}`, async () => {
      await server.sh("printf 'server { listen 80 default_server; return 404; }' > /etc/nginx/conf.d/any.conf");
      try {
        await configure(direct({ user: "deploy" }), apps);
        const load = await underLoad(theirs(), async () => {
          assert.match((await product.failUp()).output, message);
        });
        undisturbed(load);
        assert.deepEqual(await ours(), { status: 200, text: "ours" });
        assert.equal(await server.sh("nginx -t -q 2>&1"), "");
      } finally {
        await server.sh("rm /etc/nginx/conf.d/any.conf");
      }
    });
  }

  it("is left as it was found by destroy, and nobody is disturbed", async () => {
    const load = await underLoad(theirs(), () => product.destroy());
    undisturbed(load);
    assert.deepEqual(await traces(), []);
  });

  /** An ssh-agent with that key. */
  async function startAgent(privateKey: string): Promise<typeof agent> {
    const socket = join(product.projectDir, "agent");
    const process = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    await waitFor("the ssh-agent", () => existsSync(socket));
    execFileSync("ssh-add", ["-q", "-"], {
      input: privateKey,
      env: { ...globalThis.process.env, SSH_AUTH_SOCK: socket },
    });
    return { process, socket };
  }

  it("need not be there any more: destroy --gone forgets it", async () => {
    await configure(direct({ user: "deploy" }));
    await product.up(...["server", "base", "base-prepare-server"].flatMap((name) => ["--target", `**::${name}`]));
    await server.stop();
    const failed = await product.run("destroy", "--yes", "--skip-preview", "--stack", product.stack);
    assert.notEqual(failed.code, 0, failed.output);
    assert.match(failed.output, /dial tcp 127\.0\.0\.1:\d+: connect: connection refused/);

    const stack = new Stack(product.projectDir, product.stack, "pulumi");
    stack.env = { ...environment(root), ...product.env } as Record<string, string>;
    await stack.forgetServer();
    await product.destroy();
    assert.deepEqual((await product.export()).resources, []);
  });
});
