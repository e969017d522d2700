// One stack from its first `up` to its `destroy`, on a real server with the real engine: what the README promises. Each
// scenario says what it starts from; the first one finds a bare server.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { assertLineChanges, assertPage, assertServed, assertUnchanged } from "../support/assertions";
import { appDefaults, uwsgiVersion } from "../support/defaults";
import { httpGet, pauses, underLoad } from "../support/load";
import { onEachPlatform, serverSettings } from "../support/platforms";
import { Product } from "../support/product";
import { waitFor } from "../support/waitFor";

const hello = "<h1 style='color:blue'>Hello There!</h1>";
const app = (text: string) => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"${text}"]
`;
/** The same with lines before the answer. */
const appThat = (lines: string, text: string) => app(text).replace("    start", `${lines}    start`);
/** A worker drops one connection each time that this file is made. */
const dropFile = "/opt/apps/hello/shared/drop";
const droppingApp = (text: string) =>
  `import os\n${appThat(`    if os.path.exists("${dropFile}"):\n        os.remove("${dropFile}")\n        os._exit(1)\n`, text)}`;

/** Files with names that programs may take for something else. */
const oddNames = Object.fromEntries(
  ["@static.tar", "static.tar", "-rf", "line\nfeed", "Grüße-日本-🔑", "back\\slash", "*", " ", "é".repeat(120)].map(
    (name) => [name, name],
  ),
);

onEachPlatform("a stack on a new server", function (platform) {
  this.timeout(600_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await serverSettings(platform, this);
    product = await Product.make({ server }, platform);
  });
  after(() => (product as Product | undefined)?.remove());

  const { python } = platform;
  const { group } = platform.platform.nginx;
  const settings = (more: Record<string, unknown> = {}) => ({
    server,
    apps: { hello: { source: "apps/hello", python, ...more } },
  });
  const writeHello = (text = app(hello)) => product.writeApp("hello", { "wsgi.py": text });

  const given = {
    /** The tutorial's app is live with these settings, and there is nothing left to do. */
    async deployed(more: Record<string, unknown> = {}): Promise<void> {
      await writeHello();
      await product.deployed(settings(more));
    },
    /** The tutorial's app is live, whatever an `up` that failed has left to do. */
    async serving(): Promise<void> {
      await writeHello();
      await product.serving(settings());
    },
  };

  const mainPid = (unit: string) => product.ssh(`systemctl show --property MainPID ${unit} | cut -d= -f2`);
  /** Every process of nginx and uWSGI with its number. */
  const processes = () => product.ssh("ps -eo pid,comm --no-headers | grep -E 'nginx|uwsgi' | sort");
  const pageIsBack = () => waitFor("the page", async () => (await httpGet(product.url)).text === hello, 60);

  it("serves the tutorial's page after the first up, and says where", async () => {
    await given.deployed();
    await assertPage(product.url, hello);
    const outputs = await product.outputs();
    const { release } = (outputs.apps as Record<string, { release?: string }>).hello ?? {};
    assert.match(release ?? "", /^[0-9a-f]{12}$/);
    const venv = "/opt/apps/hello/current/venv/bin";
    const version = `${venv}/python -c 'import platform; print(platform.python_version())'`;
    assert.deepEqual(
      { ...outputs, sshCommand: typeof outputs.sshCommand },
      {
        ...{ url: product.url, address: "127.0.0.1", sshCommand: "string", uwsgiVersion },
        pythonVersion: await product.ssh(version),
        apps: {
          hello: {
            ...{ url: product.url, service: "uwsgi@hello.service", release },
            healthCheck: { path: "/", host: new URL(product.url).host },
          },
        },
      },
    );
    assert.equal(await product.ssh(`${venv}/uwsgi --version`), uwsgiVersion);
    assert.equal(await product.ssh("readlink /opt/apps/hello/current"), `releases/${release}`);
  });

  it("records in the state what an app is, and not how the program came to it", async () => {
    await given.deployed();
    const { resources } = await product.export();
    // The engine's own resource of the stack is registered before the program runs.
    const ours = resources.filter(({ type }) => type !== "pulumi:pulumi:Stack");
    assert.doesNotMatch(JSON.stringify(ours), /stackTrace|sourcePosition/, "see components/leanState.ts");
    const remote = ours.filter(({ type }) => type.startsWith("command:remote:"));
    assert.equal(remote.length, 4, remote.map(({ urn }) => urn).join("\n"));
  });

  it("changes no resource and no process with a second up", async () => {
    await given.deployed();
    const before = await processes();
    const { output } = await product.up();
    assertUnchanged(output);
    assert.equal(await processes(), before);
  });

  it("renders files that nginx, systemd and uWSGI find right", async () => {
    await given.deployed();
    assert.equal(await product.ssh("nginx -t -q 2>&1"), "");
    const verify = "systemd-analyze verify --man=no uwsgi@hello.service uwsgi.service nginx.service 2>&1";
    // The fake's systemd is newer than its units, and names the directives that have another name by now.
    const said = `${verify} | grep -E 'uwsgi|nginx'${platform.isFake ? " | grep -v -i -E 'please (use|update)|deprecated|obsolete'" : ""} || true`;
    assert.equal(await product.ssh(said), "");
    const reload = "systemctl show --property NeedDaemonReload uwsgi@hello.service uwsgi.service nginx.service";
    assert.equal(await product.ssh(`${reload} | grep . | sort -u`), "NeedDaemonReload=no");
    // `strict` makes uWSGI refuse what it does not know; `no-server` ends it once the app is loaded. Without the
    // socket, which is in use.
    const copy =
      "sed '/socket = \\|vacuum = /d' /opt/apps/hello/current/uwsgi.ini > /tmp/strict.ini; chmod 644 /tmp/strict.ini";
    const uwsgi = "runuser -u hello -- /opt/apps/hello/current/venv/bin/uwsgi --ini /tmp/strict.ini --no-server 2>&1";
    assert.match(await product.ssh(`${copy}; ${uwsgi}`), /WSGI app 0 .* ready/);
    assert.match(
      await product.ssh(`${copy}; echo 'proceses = 7' >> /tmp/strict.ini; ${uwsgi} || true`),
      /strict-mode.* unknown config directive: proceses/,
    );
  });

  it("gives the app's user no write access to code and settings, and other users none to the socket", async () => {
    await given.deployed();
    const paths = {
      "/run/uwsgi-hello/uwsgi.sock": `hello:${group} 660`,
      "/opt/apps/hello/current/app/wsgi.py": "root:hello 640",
      "/opt/apps/hello/current/uwsgi.ini": "root:hello 640",
      "/opt/apps/hello/releases": "root:hello 751",
      "/opt/apps/hello/shared": "hello:hello 750",
    };
    const found = await product.ssh(`stat --format '%n %U:%G %a' ${Object.keys(paths).join(" ")}`);
    assert.deepEqual(
      found.split("\n"),
      Object.entries(paths).map((words) => words.join(" ")),
    );
    assert.match(await product.ssh("ps -o user= -C uwsgi | sort -u"), /^hello$/);
  });

  it("allows logins with keys only", async () => {
    await given.deployed();
    const allowed = await product.ssh(
      "sshd -T | grep -i -E '^(password|kbdinteractive|challengeresponse)authentication '",
    );
    assert.doesNotMatch(allowed, / yes$/m);
    assert.match(allowed, /^passwordauthentication no$/m);
  });

  it("supports the systemctl commands of the tutorial", async () => {
    await given.deployed();
    await product.ssh("systemctl stop uwsgi");
    await waitFor("the app to stop", async () => (await httpGet(product.url)).status === 502);
    await product.ssh("systemctl start uwsgi");
    await pageIsBack();
    const before = await mainPid("uwsgi@hello");
    await product.ssh("systemctl restart uwsgi");
    await pageIsBack();
    assert.notEqual(await mainPid("uwsgi@hello"), before);
    assert.match(await product.ssh("systemctl status uwsgi"), /Active: active/);
    assert.equal(await product.ssh("systemctl is-enabled uwsgi uwsgi@hello nginx"), "enabled\nenabled\nenabled");
    const isEnabled = "systemctl is-enabled uwsgi || true";
    assert.equal(await product.ssh(`systemctl disable --quiet uwsgi; ${isEnabled}`), "disabled");
    assert.equal(await product.ssh(`systemctl enable --quiet uwsgi; ${isEnabled}`), "enabled");
  });

  for (const unit of ["uwsgi@hello", "nginx"]) {
    it(`serves the page again when the main process of ${unit} is killed`, async () => {
      await given.deployed();
      const before = await mainPid(unit);
      await product.ssh(`kill -KILL ${before}`);
      await waitFor(`a new ${unit}`, async () => ![before, "0"].includes(await mainPid(unit)));
      await pageIsBack();
    });
  }

  it("shows in a preview the lines of ini, unit and site that settings change", async () => {
    await given.deployed();
    const { stopTimeoutSeconds, processes: workers } = appDefaults;
    await product.configure(
      settings({ processes: workers + 2, stopTimeoutSeconds: stopTimeoutSeconds + 1, domains: ["example.org"] }),
    );
    const { output } = await product.preview("--diff");
    assertLineChanges(output, `processes = ${workers}`, `processes = ${workers + 2}`);
    assertLineChanges(output, `TimeoutStopSec=${stopTimeoutSeconds}`, `TimeoutStopSec=${stopTimeoutSeconds + 1}`);
    assertLineChanges(output, "listen 80 default_server;", "listen 80;");
    assertLineChanges(output, undefined, "server_name example.org;");
  });

  it("applies a setting of the ini by a reload that drops no request, and updates two resources", async () => {
    await given.deployed();
    const workers = appDefaults.processes + 2;
    const [nginx, master] = [await mainPid("nginx"), await mainPid("uwsgi@hello")];
    await product.configure(settings({ processes: workers }));
    let output = "";
    const load = await underLoad(product.url, async () => ({ output } = await product.up()));
    assertServed(load, [hello]);
    assert.match(output, /^ {4}~ 2 updated\n/m);
    assert.equal(await product.ssh(`pgrep --count --parent ${master}`), String(workers));
    assert.equal(await mainPid("uwsgi@hello"), master, "uWSGI's master should reload, not restart");
    assert.equal(await mainPid("nginx"), nginx, "nginx has nothing to do with it");
  });

  it("applies a setting of the unit, and leaves uWSGI alone for a setting of the site", async () => {
    const stopTimeoutSeconds = appDefaults.stopTimeoutSeconds + 1;
    await given.deployed({ stopTimeoutSeconds });
    const show = "systemctl show --property TimeoutStopUSec uwsgi@hello";
    assert.equal(await product.ssh(show), `TimeoutStopUSec=${stopTimeoutSeconds}s`);
    const master = await mainPid("uwsgi@hello");
    await product.deployed(settings({ stopTimeoutSeconds, domains: ["example.org"] }));
    await assertPage(product.url, hello, "example.org");
    assert.equal(await mainPid("uwsgi@hello"), master, "a site is nginx's business alone");
  });

  it("makes a changed text live without dropping a request", async () => {
    await given.deployed();
    await writeHello(droppingApp("changed"));
    const load = await underLoad(product.url, () => product.up());
    assertServed(load, [hello, "changed"]);
  });

  it("repeats a request whose connection a worker drops, unless that might do something twice", async () => {
    await writeHello(droppingApp("changed"));
    await product.deployed(settings());
    await product.ssh(`touch ${dropFile}`);
    await assertPage(product.url, "changed");
    const post = "curl --silent --output /dev/null --write-out '%{http_code}' --request POST http://127.0.0.1/";
    assert.equal(await product.ssh(`touch ${dropFile}; ${post}`), "502");
  });

  const failures: [string, Record<string, string>, Record<string, unknown>, RegExp][] = [
    [
      "the module does not exist",
      // It might be one that is installed.
      { "requirements.txt": "" },
      { module: "nothere:application" },
      /Release \w{12} of app hello does not start\. Release \w{12} stays live\.[^]*No module named '?nothere'?[^]*Fix: set apps\.hello\.module \(nothere:application\) to a module of/,
    ],
    [
      "wsgi.py has a syntax error",
      { "wsgi.py": "def application(:\n" },
      {},
      /does not start\. Release \w{12} stays live\.[^]*SyntaxError: invalid syntax/,
    ],
    [
      "the app raises an error",
      { "wsgi.py": "def application(environ, start_response):\n    raise RuntimeError('broken on purpose')\n" },
      {},
      /closed the connection without an answer\. Release[^]*RuntimeError: broken on purpose\n/,
    ],
    [
      "the app answers 500",
      { "wsgi.py": app("no").replace("200 OK", "500 Internal Server Error") },
      {},
      /answered with status 500\. Release [^]*Answer: 500\n +no\n/,
    ],
    [
      "the body is empty",
      { "wsgi.py": app("") },
      {},
      /answered with status 200 and an empty body \(on Python 3 a WSGI app must return bytes, not str\)/,
    ],
    [
      "the app never answers",
      { "wsgi.py": `import time\n${appThat("    time.sleep(60)\n", "late")}` },
      { healthCheck: { timeoutSeconds: 2 } },
      /did not answer within healthCheck\.timeoutSeconds\. Release [^]*timeoutSeconds to more than 2, then/,
    ],
    [
      "the page lacks the wanted text",
      {},
      { healthCheck: { contains: "Goodbye" } },
      /but without the text "Goodbye" of healthCheck\.contains\. Release [^]*Answer: 200\n +Hello There!\n/,
    ],
    [
      "a requirement does not exist",
      { "requirements.txt": "no-such-package-anywhere==1.0\n" },
      {},
      /Installing the requirements with Python \d\S+ failed\.[^]*No matching distribution found for no-such-package-anywhere==1\.0/,
    ],
    [
      "a system package does not exist",
      {},
      { packages: ["no-such-package-anywhere"] },
      /The package no-such-package-anywhere does not exist\./,
    ],
  ];
  for (const [what, files, change, message] of failures) {
    it(`keeps the old release live, and says why, when ${what}`, async () => {
      await given.serving();
      const source = await product.writeApp("broken", { "wsgi.py": app(hello), ...files });
      await product.configure(settings({ source, ...change }));
      let output = "";
      const load = await underLoad(product.url, async () => ({ output } = await product.failUp()), pauses.sparse);
      await rm(join(product.projectDir, source), { recursive: true });
      assert.match(output, message);
      assertServed(load, [hello]);
    });
  }

  it("rolls an app under another name back, and says why, when it fails behind nginx only", async () => {
    await given.serving();
    const behindNginx = `    if "DOCUMENT_ROOT" in environ:\n        start_response("503 Busy", [])\n        return []\n`;
    const source = await product.writeApp("other", { "wsgi.py": appThat(behindNginx, "other") });
    await product.configure({ server, apps: { other: { source, python, healthCheck: { timeoutSeconds: 3 } } } });
    const { output } = await product.failUp();
    assert.match(
      output,
      /App other behind nginx answered with status 503\. Its site was rolled back\.\n +Request: GET \/, Host: 127\.0\.0\.1:\d+\n/,
    );
    await assertPage(product.url, hello);
  });

  it("rolls back, and says why, when nginx may not use the socket; the next up that works leaves nothing of it", async () => {
    await given.serving();
    await product.configure(settings({ chmodSocket: "600", healthCheck: { timeoutSeconds: 2 } }));
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app hello does not answer over its socket\. Release \w{12} stays live\./);
    await assertPage(product.url, hello);

    await given.deployed();
    await assertPage(product.url, hello);
    assert.equal(await product.ssh("systemctl --failed --no-legend"), "");
    assert.equal(await product.ssh("pgrep --full '[t]rial\\.ini' || echo none"), "none");
  });

  it("adds an app beside the first, and removes it without a trace", async () => {
    await given.deployed();
    await product.writeApp("second", {
      ...{ "wsgi.py": app("second"), "requirements.txt": "six==1.16.0\n", ...oddNames },
    });
    const listing = () =>
      product.ssh(
        "find /etc/nginx /etc/systemd /opt /run/uwsgi* -not -path '/opt/uwsgi/*' | grep -v '__pycache__\\|pyc$' | sort; cut -d: -f1 /etc/passwd",
      );
    const before = await listing();
    const load = await underLoad(product.url, async () => {
      // With the other Python, where there are two.
      const second = { source: "apps/second", domains: ["second.example.org"] };
      await product.configure({ ...settings(), apps: { ...settings().apps, second } });
      await product.up();
      await assertPage(product.url, "second", "second.example.org");
      assert.match(await product.ssh("/opt/apps/second/current/venv/bin/pip list 2>/dev/null"), /^six +1\.16\.0$/m);
      const code = "cd /opt/apps/second/current/app; find . -type f ! -name '*.pyc'";
      const names = Buffer.from(await product.ssh(`${code} -print0 | base64`), "base64")
        .toString()
        .split("\0");
      const sent = ["", ...["requirements.txt", "wsgi.py", ...Object.keys(oddNames)].map((name) => `./${name}`)];
      assert.deepEqual(names.sort(), sent.sort());
      assert.equal(
        await product.ssh(`${code} ! -newermt 2020-01-01`),
        "",
        "a new release should have files of its own time",
      );
      await product.configure(settings());
      await product.up();
    });
    assertServed(load, [hello]);
    assert.equal(await listing(), before);
  });

  it("gives an app's place to another one, or to itself under another name, without dropping a request", async () => {
    await given.deployed();
    await product.writeApp("successor", { "wsgi.py": app("successor") });
    const successor = { source: "apps/successor", python };
    const named = { ...settings().apps.hello, domains: ["a.example.org", "b.example.org"] };
    const load = await underLoad(product.url, async () => {
      await product.configure({ server, apps: { successor } });
      await product.up();
      await product.configure({ server, apps: { successor, hello: named } });
      await product.up();
      await product.configure({
        server,
        apps: {
          hello: { ...named, domains: ["a.example.org"] },
          successor: { ...successor, domains: ["b.example.org"] },
        },
      });
      await product.up();
    });
    assertServed(load, [hello, "successor"]);
    await assertPage(product.url, hello, "a.example.org");
    await assertPage(product.url, "successor", "b.example.org");
    await given.deployed();
    await assertPage(product.url, hello);
  });

  it("serves the page again after a reboot of the server", async () => {
    await given.deployed();
    const boot = () => product.ssh("systemctl show --property UserspaceTimestampMonotonic");
    const before = await boot();
    await product.ssh("systemctl reboot").catch(() => undefined);
    await waitFor("the server to boot", async () => (await boot()) !== before, 90);
    await pageIsBack();
  });

  it("leaves nothing on your computer after destroy", async () => {
    await given.serving();
    assert.equal((await product.containers()).length, 1);
    await product.destroy();
    assert.deepEqual((await product.export()).resources, []);
    assert.deepEqual(await product.containers(), []);
    assert.ok(
      !existsSync(join(product.projectDir, ".local/servers/test")),
      "destroy should remove the login key's files",
    );
    await assert.rejects(httpGet(product.url), "the page should be gone");
  });
});
