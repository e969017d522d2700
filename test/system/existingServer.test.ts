// A server that a user has: reached through a bastion and by sudo, with sites of its own, left as it was found. Each scenario
// says what it starts from.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { platforms } from "../../platforms";
import { extraCaCertificates } from "../../settings/caCertificates";
import { execLine } from "../../toolchain/commands/exec";
import { environment } from "../../toolchain/engine/environment";
import { Stack } from "../../toolchain/engine/stack";
import { assertLineChanges, assertPage, assertServed, assertUnchanged } from "../support/assertions";
import { appDefaults } from "../support/defaults";
import { root } from "../support/root";
import { makeKey } from "../support/keys";
import { pauses, underLoad } from "../support/load";
import { facts, onEachPlatform, prepared, serverSettings } from "../support/platforms";
import { Product, type Settings } from "../support/product";
import { Proxy } from "../support/proxy";
import { SecretSearch, talkative } from "../support/secretSearch";
import { TestServer } from "../support/testServer";
import { waitFor } from "../support/waitFor";

/** Where the keys are for `sshCommand`, with their modes. */
const keyFiles = ["600 servers/test/bastion_key", "600 servers/test/key"];

/** What is between the engine and a server is the same on every system. */
const triesConnections = platforms.debian12;
/** What no package brings; Debian's Python makes its own folder in /usr/local. */
const notOfPackages =
  /uwsgi-nginx|uwsgi[@.]|hello|epel|^. \/(home|opt|root|run|srv|tmp|usr\/local(?!\/lib\/python3\.)|var\/(cache|spool|tmp))\/|^. \/etc\/(nginx\/conf\.d\/.*\.conf|pki\/rpm-gpg|sudoers|yum)/;
const word = Math.random().toString(36).slice(2);
const password = `pass '"$word ${word}`;
const app = (text: string) => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;

onEachPlatform("an existing server", function (test) {
  this.timeout(600_000);

  const { platform, python } = test;
  let server: TestServer;
  let bastion: TestServer;
  let product: Product;
  let system: Settings;
  let proxy: Proxy;
  /** An image with uWSGI compiled, which saves compiling it after each destroy. */
  let compiled: string | undefined;
  let agent: { process: ChildProcess; socket: string };
  let hostKeys: string;
  let found: string;
  /** Of the server, seen from the bastion. */
  let address: string;

  /** All of the server that may be in use by others: files with owner, mode, target and content, users, units. */
  async function listing(): Promise<string> {
    // What the system itself writes on any day: run-time state, the backups of passwd, group and dpkg, and what it knows
    // of its packages, which are listed by their names.
    const volatile = [
      ..."systemd log user sudo dbus mount utmp motd.dynamic nginx.pid".split(" ").map((name) => `/run/${name}`),
      ..."systemd sudo dpkg/status-old rpm dnf yum/history yum/yumdb yum/rpmdb-indexes"
        .split(" ")
        .map((name) => `/var/lib/${name}`),
      ..."passwd- shadow- group- gshadow-".split(" ").map((name) => `/etc/${name}`),
      // Where Debian's rpm, on the fake CentOS 7, has its own.
      "/root/.rpmdb",
    ];
    const skipped = volatile.map((path) => `-path ${path} -prune -o`).join(" ");
    return server.sh(`
      cd /
      folders="/etc /home /opt /root /run /srv /tmp /usr/local /var/cache/yum /var/lib /var/spool /var/tmp"
      find $folders ${skipped} -printf '%p %u:%g %m %y %l\\n' | sort
      find $folders ${skipped} -type f -exec sha256sum {} + | sed -E 's/^([^ ]+) +(.*)$/\\2 \\1/' | sort
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
    ...server.settings,
    hostKey: hostKeys,
    ...(extraCaCertificates({ onYourComputer: true }) === undefined ? {} : { caCertificates: "ca.pem" }),
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

  const more = appDefaults.processes + 2;
  const hello = { source: "apps/hello", domains: ["app.example.org"], python };
  const configure = (settings: Settings, apps: Settings = { hello }) => product.configure({ server: settings, apps });

  /** As a user does: encrypted in the settings. */
  const givePassword = () =>
    product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:server.sudoPassword", password);

  const giveKeys = async () => {
    const keys = { "server.privateKey": server, "server.bastion.privateKey": bastion };
    for (const [key, { connection }] of Object.entries(keys)) {
      // A value of its own would be taken for a flag.
      const pair = `uwsgi-nginx:${key}=${connection.privateKey}`;
      await product.succeed("config", "set-all", "--path", "--secret", pair);
    }
  };

  const url = () => `http://127.0.0.1:${server.port(80)}/`;
  const assertOurs = () => assertPage(url(), "ours", "app.example.org");
  const assertUntouched = async () => {
    assert.deepEqual(await traces(), [], "the server should be as it was");
  };
  /** The site of others answers all the time. */
  const undisturbed = async (work: () => Promise<unknown>, pause = pauses.dense) => {
    assertServed(await underLoad(url(), work, pause), ["theirs\n"]);
  };

  let hasPackages = false;
  let hasSite = false;
  /** Who has deployed the app last. */
  let deployedBy: "admin" | "deploy" | undefined;
  const given = {
    /** Packages are installed, and the stack has given the server back. */
    async packages(up = (...args: string[]): Promise<unknown> => product.up(...args)): Promise<void> {
      if (hasPackages) return;
      if (product.hasResources) await product.destroy();
      await configure(direct({ user: "deploy", proxy: proxy.url, pipIndex: proxy.index }));
      await up(...["server", "base", "base-server"].flatMap((name) => ["--target", `**::${name}`]));
      assert.equal(await server.sh("systemctl is-enabled nginx; systemctl is-active nginx"), "enabled\nactive");
      await product.destroy();
      hasPackages = true;
    },
    /** The server has a site of others, with its address for a name, and nothing of the stack's. */
    async site(): Promise<void> {
      await given.packages();
      if (product.hasResources) await product.destroy();
      deployedBy = undefined;
      if (!hasSite) {
        await server.sh(`
          mkdir -p /srv/theirs /opt/uwsgi && echo theirs > /srv/theirs/index.html
          printf 'server {\\n listen 80;\\n server_name 127.0.0.1 Shared.example.org;\\n root /srv/theirs;\\n}\\n' > /etc/nginx/conf.d/theirs.conf
          systemctl enable --quiet nginx
          systemctl restart nginx
        `);
        await assertPage(url(), "theirs\n");
        found = await listing();
        hasSite = true;
      }
      if (compiled !== undefined) await server.copyFrom(compiled, "/opt/uwsgi");
    },
    /** The app is live beside that site. */
    async deployed(user: "admin" | "deploy"): Promise<void> {
      if (deployedBy === undefined) await given.site();
      if (user === "admin") await configure(behind({ user }));
      else await configure(direct({ user }));
      if (user === "admin") await givePassword();
      if (deployedBy !== user) await product.up();
      deployedBy = user;
    },
  };

  before(async function () {
    const settings = await serverSettings(test, this);
    const { image } = await prepared(test, settings);
    if (image !== settings.image) compiled = String(image);
    system = Object.fromEntries(Object.entries(settings).filter(([name]) => name !== "image"));
    [server, bastion] = await Promise.all([
      // A user's shell may be csh, which quotes otherwise.
      TestServer.startWith(test, settings, ["tcsh"]),
      TestServer.start({ sshdConfig: ["Match User locked", "AllowTcpForwarding no"] }),
    ]);
    await bastion.sh("for user in jumper locked; do useradd --create-home --shell /bin/bash $user; done");
    // Most servers have keys of several kinds.
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

    // Its own name leads nowhere, as where a cloud has given it one.
    await server.sh("sed '/^127/!d' /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts && rm /tmp/hosts");
    await assert.rejects(server.sh("getent ahosts $(hostname)"));

    address = (await server.sh("hostname -I")).split(" ")[0] ?? "";

    // The first step installs it.
    if (platform === triesConnections) await assert.rejects(server.sh("command -v python3"));

    proxy = await Proxy.start(server);
    product = await Product.make({}, test);
    await product.writeApp("hello", { "wsgi.py": app("ours") });
    await writeFile(join(product.projectDir, "ca.pem"), extraCaCertificates({ onYourComputer: true }) ?? "");
    found = await listing();
  });
  after(async () => {
    (agent as typeof agent | undefined)?.process.kill();
    await (proxy as Proxy | undefined)?.stop();
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
      "is behind a bastion that forwards no connection",
      () => behind({ bastion: through({ user: "locked" }) }),
      /proxy: after 0 failed attempts: ssh: rejected: administratively prohibited/,
    ],
  ];
  const logins: [string, () => Settings, RegExp][] = [
    [
      "asks for a password that was not given",
      () => direct({ user: "admin" }),
      /The server's sudo asks admin for a password\. Nothing was changed\.\n +Fix: .* pulumi config set --secret --path server\.sudoPassword/,
    ],
    [
      "does not take the password",
      () => direct({ user: "admin", sudoPassword: `not ${password}` }),
      /The server's sudo rejected the password for admin\. Nothing was changed\./,
    ],
    [
      "does not let the user use sudo",
      () => direct({ user: "guest", sudoPassword: password }),
      /The server's sudo does not allow guest to become root \(guest is not in the sudoers file/,
    ],
    [
      "wants a terminal for sudo",
      () => direct({ user: "terminal" }),
      /The server's sudo requires a terminal \(requiretty\)\. Nothing was changed\.\n +Fix: remove the line 'Defaults requiretty'/,
    ],
  ];
  for (const [what, host, message] of [...(platform === triesConnections ? connections : []), ...logins]) {
    it(`refuses a server at the first step, and leaves it as it is, when it ${what}`, async () => {
      await configure(host());
      const { output } = await product.failUp();
      assert.match(output, message);
      assert.ok(!output.includes(password), `the output should not hold the password, and is\n${output}`);
      await assertUntouched();
    });
  }

  const states: [string, string, string, RegExp][] = [
    [
      "has a file in the stack's place, as from the tutorial done by hand",
      "touch /etc/systemd/system/uwsgi.service",
      "rm /etc/systemd/system/uwsgi.service",
      /The server already has \/etc\/systemd\/system\/uwsgi\.service, a path that this stack needs\. Nothing was changed\./,
    ],
    [
      "has a read-only /etc",
      "mount --bind /etc /etc; mount -o remount,ro,bind /etc",
      "umount /etc",
      /The folder \/etc on this server is not writable: \/etc .*\bro\b.*\. Nothing was changed\./,
    ],
    [
      "has a full disk",
      "mount -t tmpfs -o size=5m tmpfs /opt",
      "umount /opt",
      /The server's disk is full: 5 MB are free for \/opt, and 100 MB are needed\. Nothing was changed\./,
    ],
  ];
  for (const [what, make, undo, message] of states) {
    it(`refuses a server before anything is changed when it ${what}`, async () => {
      await server.sh(make, "--privileged");
      try {
        await configure(direct());
        assert.match((await product.failUp()).output, message);
      } finally {
        await server.sh(undo, "--privileged");
      }
      await assertUntouched();
    });
  }

  it("leaves nothing of a first up that failed", async () => {
    await configure(direct({ user: "deploy" }), { hello: { ...hello, packages: ["no-such-package-anywhere"] } });
    assert.match((await product.failUp()).output, /The package no-such-package-anywhere does not exist\./);
    await assertUntouched();
  });

  if (platform === triesConnections) {
    it("waits on a bare server for the programs that use apt and its lists, and says for which", async () => {
      await given.packages(upWhileAptIsBusy);
    });
  }

  it("leaves only packages after destroy, and nginx as its package does; they came through the proxy", async () => {
    // What was refused before has left texts in the state, and an up of some resources alone must not remove them.
    await given.packages();
    assert.deepEqual(
      (await traces()).filter((line) => notOfPackages.test(line)),
      [],
      "nothing but packages should be left",
    );
    const isActive = "systemctl is-active --quiet nginx && echo active || echo inactive";
    const state = await server.sh(`echo $(systemctl is-enabled nginx) $(${isActive})`);
    assert.equal(state, facts[platform.name as keyof typeof facts].nginxAsPackaged);

    const requests = proxy.requests.join("\n");
    assert.match(requests, /^GET http:.*\/nginx[^/]*\.(deb|rpm)$/m);
    const ofPip = [`GET ${proxy.index}/uwsgi/`, "CONNECT files.pythonhosted.org:443"];
    assert.deepEqual(
      ofPip.filter((it) => !proxy.requests.includes(it)),
      [],
      `pip should use the proxy and the index of the settings, and these were requested:\n${requests}`,
    );
  });

  it("leaves nothing of a first release that failed, once it is destroyed", async () => {
    await given.site();
    await product.writeApp("broken", { "wsgi.py": "import nothere\n" });
    await configure(direct({ user: "deploy" }), { hello: { ...hello, source: "apps/broken" } });
    assert.match(
      (await product.failUp()).output,
      /does not start\. No release is live yet\.[^]*No module named '?nothere'?/,
    );
    await product.destroy();
    await assertUntouched();
  });

  it("serves the app beside the sites of others, through a bastion, with sudo and a password", async () => {
    await given.site();
    await configure(behind({ user: "admin" }));
    await givePassword();
    await giveKeys();
    // Runs before this had the keys in clear settings.
    await rm(join(product.projectDir, ".local/state/.pulumi/history"), { recursive: true });
    const search = new SecretSearch(product, (script) => server.sh(script));
    const watched = server.sh("until [ -e /run/over ]; do ps -eo args --no-headers; sleep 0.2; done | sort -u");
    await undisturbed(async () => {
      search.remember("the preview", (await search.during(product.preview(...talkative))).output);
      const up = product.up(...talkative).finally(() => server.sh("touch /run/over"));
      search.remember("the update", (await search.during(up)).output);
    });
    deployedBy = "admin";
    const commandLines = await watched;
    await server.sh("rm /run/over");
    assert.match(commandLines, /sudo -S -p {2}bash -c .* toolkit server up/);
    search.remember("the arguments of processes on the server", commandLines);
    const keys = [server, bastion].map((it) => it.connection.privateKey.split("\n")[3] ?? "");
    assert.ok(
      keys.every((line) => line.length > 20),
      "a line of each private key",
    );
    await search.assertHidden([word, ...keys], { files: keyFiles, onServer: [] });
    await assertOurs();
    assertUnchanged((await product.up()).output);
    assert.equal(await product.ssh("id -un"), "admin", "the output's command line logs in, through the bastion too");
    // As `npm run exec` does.
    const words = ["bash", "-c", `id -un; head -n 3; exit 3`];
    const line = execLine(root, { hasTerminal: false, asksForPassword: true, app: "hello", words });
    const ssh = ["-c", `${String((await product.outputs()).sshCommand)} -T "$1"`, "ssh", line];
    const child = spawn("sh", ssh, { cwd: product.projectDir, stdio: ["pipe", "pipe", "inherit"] });
    // The password comes first. Input that stays open does not keep the command from ending.
    child.stdin.write(`${password}\nfirst\n\nsecond\n`);
    const [printed, code] = await Promise.all([
      text(child.stdout),
      new Promise((resolve) => child.on("close", resolve)),
    ]);
    child.stdin.end();
    assert.deepEqual(
      [printed, code],
      ["hello\nfirst\n\nsecond\n", 3],
      "commands by hand get by sudo and its password too",
    );
  });

  it("shows the line that a setting changes, and the password nowhere", async () => {
    await given.deployed("admin");
    await configure(behind({ user: "admin" }), { hello: { ...hello, processes: more } });
    await givePassword();
    const { output } = await product.preview("--diff");
    assertLineChanges(output, `processes = ${appDefaults.processes}`, `processes = ${more}`);
    assert.ok(!output.includes(word), `the preview should not hold the password, and is\n${output}`);
    assert.ok(!(await product.exportText()).includes(word), "the state should hold the password encrypted only");
    const places = "/etc /home /opt /root /run /tmp /var";
    assert.equal(
      await server.sh(`grep --recursive --files-with-matches --devices=skip '${word}' ${places} || true`),
      "",
    );
    assert.equal(await server.sh(`journalctl --no-pager | grep --count '${word}' || true`), "0");
  });

  it("replaces nothing for another login to the same server, by an ssh-agent and without a password", async () => {
    await given.deployed("admin");
    await configure(direct({ user: "deploy", privateKey: undefined }), { hello: { ...hello, processes: more } });
    agent = await startAgent(server.connection.privateKey);
    product.env.SSH_AUTH_SOCK = agent.socket;
    deployedBy = undefined;
    await undisturbed(async () => {
      assert.doesNotMatch((await product.up()).output, /\d+ (replaced|created)/);
    });
    await assertOurs();
    const ini = await server.sh("cat /opt/apps/hello/current/uwsgi.ini");
    assert.match(ini, new RegExp(`^processes = ${more}$`, "m"));
    deployedBy = "admin"; // with other settings than the scenarios of `deploy`
  });

  it("refuses a server that belongs to another stack", async () => {
    await given.deployed("deploy");
    const other = await Product.make({}, { ...test, stack: "other" });
    try {
      await other.writeApp("hello", { "wsgi.py": app("other") });
      await writeFile(join(other.projectDir, "ca.pem"), extraCaCertificates({ onYourComputer: true }) ?? "");
      await other.configure({ server: direct({ user: "deploy" }), apps: { hello } });
      const { output } = await other.failUp();
      assert.match(output, /This server belongs to the stack uwsgi-nginx\/test\. Nothing was changed\./);
      assert.match(output, /warning: server\.privateKey is stored in plain text in Pulumi\.other\.yaml/);
      await other.destroy();
    } finally {
      await other.remove();
    }
    await assertOurs();
  });

  const conflicts: [string, Settings, RegExp][] = [
    [
      "has another site's name",
      { hello: { ...hello, domains: ["app.example.org", "127.0.0.1", "shared.Example.org"] } },
      /Another site on this server already has the names 127\.0\.0\.1, shared\.example\.org\. The site of app hello was rolled back\./,
    ],
    [
      "would answer for every name, as another site does",
      { hello: { source: "apps/hello", python } },
      /Another site on this server is already the default for all names[^]*a duplicate default server for 0\.0\.0\.0:80[^]*apps\.hello\.domains/,
    ],
    [
      "would overwrite another site",
      { hello, theirs: { ...hello, domains: ["theirs.example.org"] } },
      /The server already has \/etc\/nginx\/conf\.d\/theirs\.conf, which does not belong to app theirs\./,
    ],
  ];
  for (const [what, apps, message] of conflicts) {
    it(`keeps the server's other sites as they are when the app ${what}`, async () => {
      await given.deployed("deploy");
      await server.sh("printf 'server { listen 80 default_server; return 404; }' > /etc/nginx/conf.d/any.conf");
      try {
        await configure(direct({ user: "deploy" }), apps);
        await undisturbed(async () => {
          assert.match((await product.failUp()).output, message);
        }, pauses.sparse);
        await assertOurs();
        assert.equal(await server.sh("nginx -t -q 2>&1"), "");
      } finally {
        await server.sh("rm /etc/nginx/conf.d/any.conf");
      }
    });
  }

  it("leaves the server as it was found after destroy, and never disturbs its other sites", async () => {
    await given.deployed("deploy");
    deployedBy = undefined;
    await undisturbed(() => product.destroy());
    await assertUntouched();
  });

  /** An `up` that finds the locks of apt held by others, each until the `up` says that it waits for that one. */
  async function upWhileAptIsBusy(...args: string[]): Promise<void> {
    // Perl is part of every Debian. struct flock: l_type, l_whence, l_start, l_len, l_pid.
    const hold = `use Fcntl;
      open my $file, ">>", $ARGV[0] or die;
      my $lock = pack "s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0;
      fcntl $file, F_SETLK, $lock or die;
      open my $held, ">", "/run/held" or die;
      print $held $$;
      close $held;
      sleep 300;`;
    await server.sh(`cat > /run/hold << 'EOF'\n${hold}\nEOF`);
    const holders: { lock: string; pid: string }[] = [];
    for (const lock of ["/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock"]) {
      await server.sh(`setsid perl /run/hold ${lock} > /dev/null 2>&1 &`);
      await waitFor(`the holder of ${lock}`, () => server.sh("test -s /run/held"));
      holders.push({ lock, pid: await server.sh("cat /run/held; rm /run/held") });
    }
    await server.sh("rm /run/hold");
    product.hasResources = true;
    const { ended, printed } = product.start("up", "--yes", "--skip-preview", "--stack", product.stack, ...args);
    for (const { lock, pid } of holders) {
      const line = `packages: waiting for process ${pid} (perl /run/hold ${lock} )`;
      await waitFor(line, () => printed().includes(line));
      await server.sh(`kill ${pid}`);
    }
    const { code, output } = await ended;
    assert.equal(code, 0, output);
  }

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

  if (platform !== triesConnections) return;

  /** As `destroy --server-gone` does first. */
  async function forgetServer(): Promise<void> {
    const env = { ...environment(root), ...product.env };
    await new Stack(product.projectDir, product.stack, "pulumi", env).forgetServer();
  }

  it("is taken over by its stack whose state has lost it, and its toolkit and archive repaired", async () => {
    await given.deployed("deploy");
    await server.sh(": > /var/lib/uwsgi-nginx/uploads/toolkit.tar.gz; rm /usr/local/lib/uwsgi-nginx/release.sh");
    await forgetServer();
    const pid = await server.sh("systemctl show --property MainPID uwsgi@hello");
    await undisturbed(() => product.up());
    await assertOurs();
    assert.equal(await server.sh("cd /usr/local/lib/uwsgi-nginx && sha256sum --status --check checksums"), "");
    assert.equal(await server.sh("systemctl show --property MainPID uwsgi@hello"), pid, "the app is not restarted");
    deployedBy = undefined;
    await product.destroy();
    await assertUntouched();
  });

  it("forgets a server that does not exist any more with destroy --server-gone", async () => {
    await configure(direct({ user: "deploy" }));
    await product.up(...["server", "base", "base-server"].flatMap((name) => ["--target", `**::${name}`]));
    await server.stop();
    const failed = await product.run("destroy", "--yes", "--skip-preview", "--stack", product.stack);
    assert.notEqual(failed.code, 0, failed.output);
    assert.match(failed.output, /dial tcp 127\.0\.0\.1:\d+: connect: connection refused/);

    await forgetServer();
    await product.destroy();
    assert.deepEqual((await product.export()).resources, []);
  });
});
