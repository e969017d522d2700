// One stack from its first `up` to its `destroy`, on a real host with the real engine: what the README promises.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { httpGet, underLoad } from "../support/load";
import { serverSettings, onEachPlatform } from "../support/platforms";
import { Product } from "../support/product";
import { waitFor } from "../support/waitFor";

const run = promisify(execFile);
const hello = "<h1 style='color:blue'>Hello There!</h1>";
const tutorialApp = (text: string) => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"${text}"]
`;
/** Its worker drops one connection for each time that the mark is made. */
const dropMark = "/opt/apps/hello/shared/drop";
const droppingApp = (text: string) => `import os
${tutorialApp(text).replace("    start", `    if os.path.exists("${dropMark}"):\n        os.remove("${dropMark}")\n        os._exit(1)\n    start`)}`;

onEachPlatform("a stack on a fresh host", function (platform) {
  this.timeout(600_000);
  this.bail(true);

  let product: Product;
  const unchanged = (output: string) => Number(/(\d+) unchanged/.exec(output)?.[1]);
  const touched = (output: string) => /\d+ (created|updated|replaced|deleted)/.exec(output)?.[0];
  const mainPid = (unit: string) => product.ssh(`systemctl show --property MainPID ${unit}`);
  /** Every process of nginx and uWSGI with its number. */
  const processes = () => product.ssh("ps -eo pid,comm --no-headers | grep -E 'nginx|uwsgi' | sort");
  const page = () => httpGet(product.url);
  const pageIsBack = () => waitFor("the page", async () => (await page()).text === hello, 60);

  let server: Record<string, unknown>;
  before(async function () {
    server = await serverSettings(platform, this);
    product = await Product.make({ server }, platform);
    await product.writeApp("hello", { "wsgi.py": tutorialApp(hello.replaceAll('"', '\\"')) });
  });
  after(() => (product as Product | undefined)?.remove());

  const { python } = platform;
  const { group } = platform.platform.nginx;
  const settings = (app: Record<string, unknown> = {}) => ({
    server,
    apps: { hello: { source: "apps/hello", python, ...app } },
  });

  it("serves the tutorial's page after the first up, and tells where", async () => {
    await product.configure(settings());
    await product.up();
    assert.deepEqual(await page(), { status: 200, text: hello });

    const outputs = await product.outputs();
    const { release } = (outputs.apps as Record<string, Record<string, string>>).hello ?? {};
    assert.match(release ?? "", /^[0-9a-f]{12}$/);
    assert.deepEqual(
      { ...outputs, sshCommand: typeof outputs.sshCommand },
      {
        url: product.url,
        address: "127.0.0.1",
        sshCommand: "string",
        uwsgiVersion: "2.0.31",
        pythonVersion: await product.ssh(
          "/opt/apps/hello/current/venv/bin/python -c 'import platform; print(platform.python_version())'",
        ),
        apps: { hello: { url: product.url, service: "uwsgi@hello.service", release } },
      },
    );
    assert.equal(await product.ssh("/opt/apps/hello/current/venv/bin/uwsgi --version"), "2.0.31");
    assert.equal(await product.ssh("readlink /opt/apps/hello/current"), `releases/${release}`);
  });

  it("changes nothing with the second up: no resource, no process", async () => {
    const before = await processes();
    const { output } = await product.up();
    assert.equal(touched(output), undefined, output);
    assert.ok(unchanged(output) > 10, output);
    assert.equal(await processes(), before);
  });

  it("has files that their own programs find right", async () => {
    assert.equal(await product.ssh("nginx -t -q 2>&1"), "");
    assert.equal(
      await product.ssh(
        "systemd-analyze verify --man=no uwsgi@hello.service uwsgi.service nginx.service 2>&1 | grep -E 'uwsgi|nginx' || true",
      ),
      "",
    );
    const reload = "systemctl show --property NeedDaemonReload uwsgi@hello.service uwsgi.service nginx.service";
    assert.equal(await product.ssh(`${reload} | grep . | sort -u`), "NeedDaemonReload=no");
    // `strict` makes uWSGI refuse what it does not know; `no-server` ends it once the app is loaded. Without the
    // socket, which is in use.
    const copy = "sed '/socket = \\|vacuum = /d' /opt/apps/hello/current/uwsgi.ini > /tmp/strict.ini";
    const uwsgi = "/opt/apps/hello/current/venv/bin/uwsgi --ini /tmp/strict.ini --no-server 2>&1";
    assert.match(await product.ssh(`${copy}; ${uwsgi}`), /WSGI app 0 .* ready/);
    assert.match(
      await product.ssh(`${copy}; echo 'proceses = 7' >> /tmp/strict.ini; ${uwsgi} || true`),
      /strict-mode.* unknown config directive: proceses/,
    );
  });

  it("keeps code and settings from the app's user, and the socket from others", async () => {
    const stat = (path: string) => product.ssh(`stat --format '%U:%G %a' ${path}`);
    assert.equal(await stat("/run/uwsgi-hello/uwsgi.sock"), `hello:${group} 660`);
    assert.equal(await stat("/opt/apps/hello/current/app/wsgi.py"), "root:root 644");
    assert.equal(await stat("/opt/apps/hello/current/uwsgi.ini"), "root:root 644");
    assert.equal(await stat("/opt/apps/hello/shared"), `hello:${group} 750`);
    assert.match(await product.ssh("ps -o user= -C uwsgi | sort -u"), /^hello$/);
  });

  it("lets people log in with keys only", async () => {
    const allowed = await product.ssh(
      "sshd -T | grep -i -E '^(password|kbdinteractive|challengeresponse)authentication '",
    );
    assert.doesNotMatch(allowed, / yes$/m);
    assert.match(allowed, /^passwordauthentication no$/m);
  });

  it("obeys systemctl as the tutorial writes it", async () => {
    await product.ssh("systemctl stop uwsgi");
    await waitFor("the app to stop", async () => (await page()).status === 502);
    await product.ssh("systemctl start uwsgi");
    await pageIsBack();
    const before = await mainPid("uwsgi@hello");
    await product.ssh("systemctl restart uwsgi");
    await pageIsBack();
    assert.notEqual(await mainPid("uwsgi@hello"), before);
    assert.match(await product.ssh("systemctl status uwsgi"), /Active: active/);
    assert.equal(await product.ssh("systemctl is-enabled uwsgi uwsgi@hello nginx"), "enabled\nenabled\nenabled");
    const enabled = () => product.ssh("systemctl is-enabled uwsgi || true");
    await product.ssh("systemctl disable --quiet uwsgi");
    assert.equal(await enabled(), "disabled");
    await product.ssh("systemctl enable --quiet uwsgi");
    assert.equal(await enabled(), "enabled");
  });

  it("heals when uWSGI's master or nginx is killed", async () => {
    for (const unit of ["uwsgi@hello", "nginx"]) {
      const before = await mainPid(unit);
      await product.ssh(`kill -KILL "$(systemctl show --property MainPID ${unit} | cut -d= -f2)"`);
      await waitFor(`a new ${unit}`, async () => {
        const now = await mainPid(unit);
        return now !== before && now !== "MainPID=0";
      });
      await pageIsBack();
    }
  });

  it("shows the line of the ini that a setting changes, and applies it without dropping a request", async () => {
    await product.configure(settings({ processes: 7 }));
    const preview = await product.preview("--diff");
    assert.match(preview.output, /^\s+- processes = 5\n\s+\+ processes = 7$/m);
    assert.match(preview.output, /~ 2 to update\n/);

    const nginx = await mainPid("nginx");
    const master = await mainPid("uwsgi@hello");
    const load = await underLoad(product.url, () => product.up());
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: [hello] });
    assert.equal(
      await product.ssh('pgrep --count --parent "$(systemctl show --property MainPID uwsgi@hello | cut -d= -f2)"'),
      "7",
    );
    assert.equal(await mainPid("uwsgi@hello"), master, "the master reloads, it does not restart");
    assert.equal(await mainPid("nginx"), nginx);
  });

  it("makes a changed text live without dropping a request", async () => {
    await product.writeApp("hello", { "wsgi.py": droppingApp("changed") });
    const load = await underLoad(product.url, () => product.up());
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: [hello, "changed"] });
  });

  it("asks once more when a worker drops a connection, unless that might do something twice", async () => {
    await product.ssh(`touch ${dropMark}`);
    assert.deepEqual(await page(), { status: 200, text: "changed" });
    const post = "curl --silent --output /dev/null --write-out '%{http_code}' --request POST http://127.0.0.1/";
    assert.equal(await product.ssh(`touch ${dropMark}; ${post}`), "502");
    await product.writeApp("hello", { "wsgi.py": tutorialApp(hello) });
    await product.up();
  });

  it("shows the line of the unit and of the site that a setting changes, and touches only what reacts to it", async () => {
    await product.configure(settings({ processes: 7, stopTimeoutSeconds: 11 }));
    assert.match((await product.preview("--diff")).output, /^\s+- TimeoutStopSec=10\n\s+\+ TimeoutStopSec=11$/m);
    await product.up();
    assert.match(await product.ssh("systemctl show --property TimeoutStopUSec uwsgi@hello"), /11s/);

    const master = await mainPid("uwsgi@hello");
    await product.configure(settings({ processes: 7, stopTimeoutSeconds: 11, domains: ["example.org"] }));
    const preview = await product.preview("--diff");
    assert.match(preview.output, /^\s+- {5}listen 80 default_server;$/m);
    assert.match(preview.output, /^\s+\+ {5}server_name example\.org;$/m);
    await product.up();
    assert.deepEqual(await httpGet(product.url, { host: "example.org" }), { status: 200, text: hello });
    assert.equal(await mainPid("uwsgi@hello"), master, "a site is nginx's business alone");
    await product.configure(settings());
    await product.up();
    assert.equal((await page()).text, hello);
  });

  const failures: [string, Record<string, string>, Record<string, unknown>, RegExp][] = [
    [
      "the module does not exist",
      {},
      { module: "nothere:application" },
      /No module named '?nothere'?[^]*app hello, release \w{12}: it does not start; release \w{12} stays live/,
    ],
    [
      "wsgi.py has a syntax error",
      { "wsgi.py": "def application(:\n" },
      {},
      /SyntaxError: invalid syntax[^]*it does not start; release \w{12} stays live/,
    ],
    [
      "the app raises an error",
      { "wsgi.py": "def application(environ, start_response):\n    raise RuntimeError('broken on purpose')\n" },
      {},
      /RuntimeError: broken on purpose\n[^]*it broke off without an answer when asked for \//,
    ],
    [
      "the app answers 500",
      { "wsgi.py": tutorialApp("no").replace("200 OK", "500 Internal Server Error") },
      {},
      /it answered with status 500 when asked for \//,
    ],
    [
      "the body is empty",
      { "wsgi.py": tutorialApp("") },
      {},
      /it answered with status 200 and an empty body \(on Python 3 a WSGI app must return bytes, not str\)/,
    ],
    [
      "the app never answers",
      { "wsgi.py": `import time\n${tutorialApp("late").replace("    start", "    time.sleep(60)\n    start")}` },
      { healthCheck: { timeoutSeconds: 2 } },
      /it did not answer in time \(healthCheck\.timeoutSeconds\) when asked for \//,
    ],
    [
      "the page lacks the wanted text",
      {},
      { healthCheck: { contains: "Goodbye" } },
      /but without the text "Goodbye" of healthCheck\.contains/,
    ],
    [
      "a requirement does not exist",
      { "requirements.txt": "no-such-package-anywhere==1.0\n" },
      {},
      /No matching distribution found for no-such-package-anywhere==1\.0[^]*installing the requirements with Python \d/,
    ],
    [
      "a system package does not exist",
      {},
      { packages: ["no-such-package-anywhere"] },
      /there is no such package: no-such-package-anywhere/,
    ],
  ];
  for (const [what, files, change, message] of failures) {
    it(`keeps the old release live, and says why, when ${what}`, async () => {
      await product.writeApp("broken", { "wsgi.py": tutorialApp(hello), ...files });
      await product.configure({ server, apps: { hello: { source: "apps/broken", python, ...change } } });
      const load = await underLoad(product.url, async () => {
        assert.match((await product.failUp()).output, message);
      });
      assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: [hello] });
      await run("rm", ["-rf", join(product.projectDir, "apps/broken")]);
    });
  }

  it("goes back to the old release, and says why, when the new one lets nginx not in", async () => {
    await product.configure(settings({ chmodSocket: "600", healthCheck: { timeoutSeconds: 2 } }));
    const { output } = await product.failUp();
    assert.match(output, /app hello, release \w{12}: it did not come up behind its socket; release \w{12} stays live/);
    assert.equal((await page()).text, hello);
  });

  it("takes an app under another name back, and says why, when it fails behind nginx only", async () => {
    const behindNginx = `    if "DOCUMENT_ROOT" in environ:\n        start_response("503 Busy", [])\n        return []\n`;
    await product.writeApp("other", {
      "wsgi.py": tutorialApp("other").replace("    start", `${behindNginx}    start`),
    });
    const healthCheck = { timeoutSeconds: 1 };
    await product.configure({ server, apps: { other: { source: "apps/other", python, healthCheck } } });
    const { output } = await product.failUp();
    assert.match(output, /app other behind nginx \(.*\): it answered with status 503; its site was withdrawn/);
    assert.equal((await page()).text, hello);
    await run("rm", ["-rf", join(product.projectDir, "apps/other")]);
  });

  it("is well again with the next up that works, and nothing that failed stays behind", async () => {
    await product.configure(settings());
    await product.up();
    assert.equal((await page()).text, hello);
    assert.equal(await product.ssh("systemctl --failed --no-legend"), "");
    assert.equal(await product.ssh("pgrep --full '[h]ttp-socket' || echo none"), "none");
  });

  it("adds an app beside the first, and takes it away without a trace", async () => {
    await product.writeApp("second", { "wsgi.py": tutorialApp("second"), "requirements.txt": "six==1.16.0\n" });
    const second = { source: "apps/second", domains: ["second.example.org"] };
    const listing = () =>
      product.ssh(
        "find /etc/nginx /etc/systemd /opt /run/uwsgi* -not -path '/opt/uwsgi/*' | grep -v '__pycache__\\|pyc$' | sort; cut -d: -f1 /etc/passwd",
      );
    const before = await listing();
    const load = await underLoad(product.url, async () => {
      // With the other Python, where there are two.
      await product.configure({ ...settings(), apps: { ...settings().apps, second } });
      await product.up();
      assert.deepEqual(await httpGet(product.url, { host: "second.example.org" }), { status: 200, text: "second" });
      assert.match(await product.ssh("/opt/apps/second/current/venv/bin/pip list 2>/dev/null"), /^six +1\.16\.0$/m);
      await product.configure(settings());
      await product.up();
    });
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: [hello] });
    assert.equal(await listing(), before);
  });

  it("gives an app's place to another one, or to itself under another name, without dropping a request", async () => {
    await product.writeApp("heir", { "wsgi.py": tutorialApp("heir") });
    const heir = { source: "apps/heir", python };
    const named = { ...settings().apps.hello, domains: ["a.example.org", "b.example.org"] };
    const load = await underLoad(product.url, async () => {
      await product.configure({ server, apps: { heir } });
      await product.up();
      await product.configure({ server, apps: { heir, hello: named } });
      await product.up();
      await product.configure({
        server,
        apps: { hello: { ...named, domains: ["a.example.org"] }, heir: { ...heir, domains: ["b.example.org"] } },
      });
      await product.up();
    });
    assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts: [hello, "heir"] });
    assert.deepEqual(await httpGet(product.url, { host: "a.example.org" }), { status: 200, text: hello });
    assert.deepEqual(await httpGet(product.url, { host: "b.example.org" }), { status: 200, text: "heir" });
    await product.configure(settings());
    await product.up();
    assert.equal((await page()).text, hello);
  });

  it("is back after a reboot of the host", async () => {
    const boot = () => product.ssh("systemctl show --property UserspaceTimestampMonotonic");
    const before = await boot();
    await product.ssh("systemctl reboot").catch(() => undefined);
    await waitFor("the host to boot", async () => (await boot()) !== before, 90);
    await pageIsBack();
  });

  it("is gone after destroy, with all that was made for it", async () => {
    assert.equal((await product.containers()).length, 1);
    await product.destroy();
    assert.deepEqual((await product.export()).resources, []);
    assert.deepEqual(await product.containers(), []);
    assert.ok(!existsSync(join(product.projectDir, ".local/servers/test")), "the key files are gone");
    await assert.rejects(page());
  });
});
