// A server that a user has: reached through a bastion and by sudo, serving others' sites, left as it was found.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { platforms } from "../../platforms";
import { extraCaCertificates } from "../../settings/caCertificates";
import { ask, underLoad, type LoadResult } from "../support/load";
import { Product, type Settings } from "../support/product";
import { makeKey, SshHost } from "../support/sshHost";

const platform = platforms.debian12;
const packages = [...platform.basePackages, ...(platform.pythons["3"]?.packages ?? []), platform.nginx.package];
const password = `pass '"$word ${Math.random().toString(36).slice(2)}`;
const app = (text: string) => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;

describe("a server that one has", function () {
  this.timeout(300_000);
  this.bail(true);

  let server: SshHost;
  let bastion: SshHost;
  let product: Product;
  let hostKeys: string;
  let found: string;
  /** Of the server, seen from the bastion. */
  let address: string;

  /** All that may be somebody's on the server: files with owner, mode, target and content, users, units. */
  async function listing(): Promise<string> {
    const volatile = [
      ...[
        "/run/systemd",
        "/run/log",
        "/run/user",
        "/run/sudo",
        "/run/dbus",
        "/run/motd.dynamic",
        "/run/utmp",
        "/run/nginx.pid",
      ],
      ...["/var/lib/systemd", "/var/lib/sudo", "/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-"],
    ];
    const skipped = volatile.map((path) => `-path ${path} -prune -o`).join(" ");
    return server.sh(`
      cd /
      find /etc /home /opt /root /run /srv /tmp /usr/local /var/lib /var/spool /var/tmp ${skipped} \
        \\( -type f -printf '%p %u:%g %m ' -exec sh -c 'sha256sum < "$1"' sh {} \\; \\) -o -printf '%p %u:%g %m %y %l\\n' | sort
      cat /etc/passwd /etc/group
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

  const hello = { source: "apps/hello", domains: ["app.example.org"] };
  const configure = (host: Settings, apps: Settings = { hello }) => product.configure({ host, apps });

  const ours = () => ask(`http://127.0.0.1:${server.port(80)}/`, { host: "app.example.org" });
  const theirs = () => `http://127.0.0.1:${server.port(80)}/`;
  const undisturbed = (load: LoadResult) => {
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: ["theirs\n"] });
  };

  before(async () => {
    [server, bastion] = await Promise.all([SshHost.start({ ports: [80] }), SshHost.start()]);
    await bastion.sh("useradd --create-home --shell /bin/bash jumper");
    // As most servers are: with keys of several kinds. A site of others has the machine's address for its name.
    await server.sh(`
      ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key
      echo 'HostKey /etc/ssh/ssh_host_ecdsa_key' >> /etc/ssh/sshd_config.d/00-test.conf
      systemctl restart ssh
      useradd --create-home --shell /bin/bash admin
      usermod --append --groups sudo admin
      useradd --create-home --shell /bin/bash deploy
      useradd --create-home --shell /bin/bash guest
      useradd --create-home --shell /bin/bash terminal
      echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy
      printf 'terminal ALL=(ALL) NOPASSWD: ALL\\nDefaults:terminal requiretty\\n' > /etc/sudoers.d/terminal
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends ${packages.join(" ")} > /dev/null
      mkdir -p /srv/theirs && echo theirs > /srv/theirs/index.html
      printf 'server {\\n listen 80;\\n server_name 127.0.0.1;\\n root /srv/theirs;\\n}\\n' > /etc/nginx/conf.d/theirs.conf
      systemctl reload nginx
    `);
    const quoted = password.replaceAll("'", `'\\''`);
    await server.sh(`for user in admin guest; do printf '%s:%s\\n' $user '${quoted}'; done | chpasswd`);
    hostKeys = [server.connection.hostKey, await server.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ecdsa_key.pub")].join(
      "\n",
    );

    address = (await server.sh("hostname -I")).split(" ")[0] ?? "";

    product = await Product.make();
    await product.writeApp("hello", { "wsgi.py": app("ours") });
    await writeFile(join(product.projectDir, "ca.pem"), extraCaCertificates({ kind: "container" }) ?? "");
    found = await listing();
  });
  after(async () => {
    await product.remove();
    await SshHost.stopAll();
  });

  const refusals: [string, () => Settings, RegExp][] = [
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
      "asks for a password that was not given",
      () => direct({ user: "admin" }),
      /sudo on this server asks admin for a password; nothing was changed\n +Set it: pulumi config set --secret --path host\.sudoPassword/,
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
  for (const [what, host, message] of refusals) {
    it(`is refused at the first step when it ${what}`, async () => {
      await configure(host());
      const { output } = await product.failUp();
      assert.match(output, message);
      assert.ok(!output.includes(password), output);
    });
  }

  it("has not been touched by any of that", async () => {
    assert.deepEqual(await traces(), []);
  });

  it("serves the app beside the sites of others, through a bastion, with sudo and a password", async () => {
    await configure(behind({ user: "admin" }));
    await product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:host.sudoPassword", password);
    const load = await underLoad(theirs(), () => product.up());
    undisturbed(load);
    assert.deepEqual(await ours(), { status: 200, text: "ours" });
    assert.match((await product.up()).output, /^ +\d+ unchanged\n\nDuration/m);
  });

  it("is left as it was found by destroy", async () => {
    const load = await underLoad(theirs(), () => product.destroy());
    undisturbed(load);
    assert.deepEqual(await traces(), []);
  });
});
