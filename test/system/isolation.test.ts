// What an app on a server never gets of others, and what a failed step never breaks.
import assert from "node:assert/strict";
import { assertPage, assertServed } from "../support/assertions";
import { appDefaults } from "../support/defaults";
import { httpGet, underLoad } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { waitFor } from "../support/waitFor";

const page = "it works";
const database = "/opt/apps/hello/shared/database";
/** An app that makes its database when it is new, and does not start without it later. */
const code = `import os
new = not os.listdir("/opt/apps/hello/shared")
with open("${database}", "w" if new else "r") as opened:
    if new: opened.write("customers")
os.chmod("${database}", 0o600)

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${page}"]
`;

onEachPlatform("the isolation of apps", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    await product.writeApp("hello", { "wsgi.py": code });
    await product.writeApp("other", { "wsgi.py": code.slice(code.indexOf("def")) });
  });
  after(() => (product as Product | undefined)?.remove());

  const { python } = test;
  const settings = (more: Record<string, unknown> = {}) => ({
    server,
    apps: { hello: { source: "apps/hello", python, ...more } },
  });
  /** The app is live and has a database that only its user may read. */
  const given = {
    async deployed(): Promise<void> {
      if (product.isLive) return;
      await product.deployed(settings());
      await assertPage(product.url, page);
    },
  };
  /** Runs the verb `app` as the step of an `up` does, with a changed manifest. */
  const release = async (change: (manifest: string) => string, env = "") => {
    const manifest = String((await product.resource("hello-app"))?.inputs?.stdin);
    const base64 = Buffer.from(change(manifest)).toString("base64");
    return product.ssh(`echo ${base64} | base64 -d | ${env} bash /var/lib/uwsgi-nginx/run app up 2>&1 || echo failed`);
  };
  /** The manifest of another release, with another unit. */
  const changed = (manifest: string) =>
    manifest
      .replace(/^release=.*$/m, "release=aaaaaaaaaaaa")
      .replace(/processes = \d+/, `processes = ${appDefaults.processes + 1}`)
      .replace(/TimeoutStopSec=\d+/, "TimeoutStopSec=99");
  const live = () => product.ssh("readlink /opt/apps/hello/current; cat /etc/systemd/system/uwsgi@hello.*");
  const numberOf = (user: string) => product.ssh(`id -u ${user}`);

  it("gives nobody but root and the app a way to its code, its data and its socket", async () => {
    await given.deployed();
    await product.ssh("id stranger > /dev/null 2>&1 || useradd --system stranger");
    const tries = [
      "ls /opt/apps/hello",
      "ls /opt/apps/hello/releases",
      "ls /opt/apps/hello/current/venv/",
      "sh -c 'ls $(readlink -f /opt/apps/hello/venvs)/*/bin'",
      "cat /opt/apps/hello/current/app/wsgi.py",
      `cat ${database}`,
      "ls /var/cache/uwsgi-nginx/hello",
      "ls /var/lib/uwsgi-nginx/uploads",
      "flock --nonblock /run/uwsgi-nginx/app-hello true",
      "touch /run/uwsgi-nginx/app-other",
      "touch /run/uwsgi-hello/other.sock",
    ];
    const { user, group } = test.platform.nginx;
    for (const who of ["stranger", user]) {
      for (const command of tries) {
        const got = await product.ssh(`runuser -u ${who} -- ${command} 2> /dev/null && echo worked || echo refused`);
        assert.equal(got, "refused", `${who}: ${command}`);
      }
    }
    const owners = {
      "/opt/apps/hello": "root:root 751",
      "/opt/apps/hello/releases": "root:hello 751",
      "/opt/apps/hello/current/app": "root:hello 750",
      "/opt/apps/hello/venvs/*": "root:hello 750",
      "/opt/apps/hello/shared": "hello:hello 750",
      "/run/uwsgi-hello": "root:root 755",
      "/run/uwsgi-hello/uwsgi.sock": `hello:${group} 660`,
    };
    assert.equal(
      await product.ssh(`stat --format '%U:%G %a' ${Object.keys(owners).join(" ")}`),
      Object.values(owners).join("\n"),
    );
    assert.equal(await product.ssh("id -nG hello"), "hello");
    assert.doesNotMatch(await product.ssh(`id -nG ${user}`), /hello/);
  });

  it("moves the data to a new user without losing a request, and nothing is open to who gets the old one's number", async () => {
    await given.deployed();
    const number = await numberOf("hello");
    // A process that outlives its session, and a file elsewhere.
    await product.ssh(
      "runuser -u hello -- sh -c 'touch /var/tmp/left; setsid sleep 600 > /dev/null 2>&1 < /dev/null &'",
    );
    await product.configure(settings({ uid: "web" }));
    const load = await underLoad(product.url, () => product.up());
    assertServed(load, [page]);
    const releases = "/opt/apps/hello/releases /opt/apps/hello/venvs/*";
    assert.equal(
      await product.ssh(`stat --format '%U:%G %a' ${database} ${releases}`),
      "web:web 600\nroot:web 751\nroot:web 750",
    );
    assert.equal(
      await product.ssh(
        "getent passwd hello || getent group hello || pgrep --full '[s]leep 600' || ls /var/tmp/left 2> /dev/null || echo nothing",
      ),
      "nothing",
    );
    await product.ssh(`useradd --system --uid ${number} heir`);
    assert.equal(
      await product.ssh(
        `find / -xdev -uid ${number} 2> /dev/null | head; runuser -u heir -- cat ${database} 2> /dev/null || true`,
      ),
      "",
    );
    await product.ssh("userdel heir");
    await product.deployed(settings());
    assert.equal(await product.ssh(`stat --format '%U:%G %a' ${database}`), "hello:hello 600");
  });

  it("refuses users, groups and socket folders of others, and leaves the other apps alone", async () => {
    await given.deployed();
    const before = await product.ssh("stat --format '%n %U:%G %a' /run/sshd");
    const other = { source: "apps/other", python };
    await product.configure({
      server,
      apps: {
        ...settings().apps,
        disk: { ...other, domains: ["disk.example.org"] },
        stolen: { ...other, domains: ["stolen.example.org"], socket: "/run/sshd/uwsgi.sock" },
        nobody: { ...other, domains: ["nobody.example.org"] },
      },
    });
    const { output } = await product.failUp();
    assert.match(output, /Error: The server already has a group disk, whose rights app disk would get\./);
    assert.match(
      output,
      /Error: The folder \/run\/sshd on the server, which apps\.stolen\.socket names, belongs to something else\./,
    );
    assert.match(output, /Error: The server already has a user nobody, who was not made for app nobody\./);
    assert.equal(await product.ssh("stat --format '%n %U:%G %a' /run/sshd; ls /opt/apps"), `${before}\nhello`);
    await assertPage(product.url, page);
    await product.deployed(settings());
  });

  const privileged = async (script: string) => {
    const [id = ""] = await product.containers();
    return product.engine("exec", "--privileged", id, "sh", "-ec", script);
  };
  /** A systemctl that fails as the lines of a shell script say. */
  const failing = (lines: string): [string, string] => {
    const fake = Buffer.from(`#!/bin/sh\n${lines}\nexec /bin/systemctl "$@"\n`).toString("base64");
    const path = "/usr/local/sbin/systemctl";
    return [
      `echo ${fake} | base64 -d > ${path}; chmod 755 ${path}`,
      `rm -f ${path} /run/failed; systemctl daemon-reload`,
    ];
  };
  /** A folder on a disk of its own, which is full. */
  const full = (folder: string): [string, string] => [
    `mkdir /run/full; mount -t tmpfs -o size=64m tmpfs /run/full; cp -a ${folder}/. /run/full/; mount --bind /run/full ${folder}
     dd if=/dev/zero of=${folder}/filler bs=4k 2> /dev/null || true`,
    `umount --lazy ${folder} /run/full; rmdir /run/full; systemctl daemon-reload; systemctl restart uwsgi@hello`,
  ];
  const failures: [string, [string, string]][] = [
    ["systemd cannot be reached", failing('if [ "$1" = daemon-reload ]; then echo no bus >&2; exit 1; fi')],
    ["the unit cannot be enabled", failing('if [ "$1" = enable ]; then exit 1; fi')],
    [
      "the app's reload fails",
      failing('if [ "$1" = reload ] || [ "$1" = restart ] && [ ! -e /run/failed ]; then touch /run/failed; exit 1; fi'),
    ],
    ["the disk of releases is full", full("/opt/apps/hello/releases")],
    ["the disk of systemd's units is full", full("/etc/systemd/system")],
  ];
  for (const [what, [begin, end]] of failures) {
    it(`keeps the former release live, after a reboot too, when ${what}`, async () => {
      await given.deployed();
      const before = await live();
      await privileged(begin);
      const output = await release(changed);
      await privileged(end);
      assert.match(output, /^failed$/m);
      assert.equal(await live(), before);
      assert.equal(await product.ssh("ls /etc/systemd/system | grep before || true"), "");
      await waitFor("the page", async () => (await httpGet(product.url)).text === page);
    });
  }

  it("puts the former release back when a run is cut off and the next one fails", async () => {
    await given.deployed();
    const before = await live();
    const [begin, end] = failing('if [ "$1" = restart ]; then pkill -KILL -P $PPID -x bash; kill -KILL $PPID; fi');
    await privileged(begin);
    assert.match(await release(changed), /goes live[^]*^failed$/m);
    await privileged(end);
    assert.notEqual(await live(), before, "the first run should have been cut off in the middle");
    const output = await release((manifest) =>
      changed(manifest)
        .replace("aaaaaaaaaaaa", "bbbbbbbbbbbb")
        .replace(/module = \S+/, "module = nothing:application"),
    );
    assert.match(output, /^Error: Release bbbbbbbbbbbb of app hello does not start\. Release \w{12} stays live\.$/m);
    assert.equal(await live(), before);
    assert.equal(await product.ssh("ls /etc/systemd/system /opt/apps/hello | grep 'before\\|switching' || true"), "");
    await waitFor("the page", async () => (await httpGet(product.url)).text === page);
  });

  it("starts an app and nginx again until they start, however long that takes", async () => {
    await given.deployed();
    const broken = "/etc/nginx/conf.d/broken.conf";
    await product.ssh(
      `mv ${database} ${database}.away; echo 'nonsense;' > ${broken}; systemctl kill --signal KILL uwsgi@hello nginx`,
    );
    // systemd gives up after five starts by default.
    const starts = async (unit: string) =>
      Number(
        await product.ssh(
          `journalctl --unit ${unit} --output cat --no-pager | grep --count '[Ss]cheduled restart job' || true`,
        ),
      );
    const [app, nginx] = [await starts("uwsgi@hello"), await starts("nginx")];
    await waitFor(
      "failed starts",
      async () => (await starts("uwsgi@hello")) > app + 5 && (await starts("nginx")) > nginx + 5,
      60,
    );
    await product.ssh(`mv ${database}.away ${database}; rm ${broken}`);
    await waitFor("the page", async () => (await httpGet(product.url)).text === page, 30);
  });

  it("leaves no process, user or file of an app behind when it is removed, and starts no other app", async () => {
    await given.deployed();
    // Another app, which somebody has stopped.
    const stopped = "/etc/systemd/system/uwsgi@stopped.service";
    await product.ssh(
      `printf '[Service]\nExecStart=/bin/sleep 600\n[Install]\nWantedBy=uwsgi.service\n' > ${stopped}; systemctl enable --quiet uwsgi@stopped`,
    );
    const number = await numberOf("hello");
    await product.ssh(
      "runuser -u hello -- sh -c 'touch /dev/shm/left; setsid sleep 601 > /dev/null 2>&1 < /dev/null &'",
    );
    await product.deployed({ server, apps: { second: { source: "apps/other", python } } });
    assert.equal(await product.ssh("systemctl is-active uwsgi@stopped || true"), "inactive");
    await product.ssh(`systemctl disable --quiet uwsgi@stopped; rm ${stopped}`);
    assert.equal(
      await product.ssh(`pgrep -u ${number} || find / -xdev -uid ${number} 2> /dev/null | grep . || echo nothing`),
      "nothing",
    );
    const names = "ls /etc/systemd/system /run /opt/apps /var/cache/uwsgi-nginx; cat /etc/passwd /etc/group";
    assert.equal(await product.ssh(`{ ${names}; } 2> /dev/null | grep hello || true`), "");
  });
});
