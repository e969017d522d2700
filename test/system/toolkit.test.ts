// What happens to the toolkit on a server between two deployments, and to deployments that meet each other there.
import assert from "node:assert/strict";
import { assertPage, assertUnchanged } from "../support/assertions";
import { appDefaults, uwsgiVersion } from "../support/defaults";
import { onGenuinePlatforms, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { waitFor } from "../support/waitFor";

/** A package that takes what it can get while it is built, and reports it as a module. */
const snoop = `import errno, json, os, pwd, subprocess, sys
from setuptools import setup

def attempt(action):
    try:
        return action()
    except (IOError, OSError) as error:
        return "denied" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else str(error)

if not os.path.exists("snoop.py"):
    got = {
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "groups": [group for group in os.getgroups() if group != os.getgid()],
        "shadow": attempt(lambda: open("/etc/shadow").read()),
        "environment": sorted(name for name in os.environ if name.startswith("SSH")),
        "unit": attempt(lambda: open("/etc/systemd/system/snoop.service", "w").name),
        "shared": attempt(lambda: open("/opt/apps/hello/shared/snoop", "w").name),
        "live": attempt(lambda: open("/opt/apps/hello/current/venv/snoop", "w").name),
        "setuid": attempt(lambda: os.chmod(os.path.join(sys.prefix, "bin", "pip"), 0o6755)),
        "next": attempt(lambda: os.mkdir("/opt/apps/hello/releases/snoop")),
    }
    open("snoop.py", "w").write("got = %r\\n" % json.dumps(got))
    open("snoop.pth", "w").write("import os; open('/var/cache/uwsgi-nginx/hello/ran-as-%d' % os.getuid(), 'a').close()\\n")
    subprocess.Popen("setsid sleep 98765 > /dev/null 2>&1 &", shell=True)
    os.symlink("/etc/cron.d", os.path.join(sys.prefix, "cron"))
    os.symlink("/etc/nologin", os.path.join(sys.prefix, ".complete"))

site = [path for path in sys.path if path.startswith(sys.prefix) and path.endswith("site-packages")][0]
setup(name="snoop", version="1.0", py_modules=["snoop"], data_files=[(os.path.relpath(site, sys.prefix), ["snoop.pth"])])
`;

const page = "<h1 style='color:blue'>Hello There!</h1>";
const folder = "/usr/local/lib/uwsgi-nginx";
const archive = "/var/lib/uwsgi-nginx/uploads/toolkit.tar.gz";

onGenuinePlatforms("the toolkit on a server", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
  });
  after(() => (product as Product | undefined)?.remove());

  const settings = (more: Record<string, unknown> = {}) => ({
    server,
    apps: { hello: { python: test.python, ...more } },
  });
  /** Another number each time, so that an `up` has something to do. */
  let processes = appDefaults.processes;
  const changed = () => settings({ processes: ++processes });
  /** A package that the server has, so that its step has something to compare. */
  const withPackage = () => settings({ processes, packages: ["tar"] });
  const given = {
    async deployed(): Promise<void> {
      if (!product.isLive) await product.deployed(settings());
    },
  };
  const assertDeployed = async () => {
    await product.up();
    await assertPage(product.url, page);
    assert.equal(
      await product.ssh("grep '^processes' /opt/apps/hello/current/uwsgi.ini"),
      `processes = ${processes}`,
      "the new setting should be live",
    );
  };

  const damages: [string, string][] = [
    ["was removed", `rm -rf ${folder}`],
    ["lacks a file", `rm ${folder}/release.sh`],
    ["has a changed file", `echo 'exit 1' >> ${folder}/lib.sh`],
  ];
  for (const [what, command] of damages) {
    it(`is repaired by the next step when it ${what}`, async () => {
      await given.deployed();
      await product.ssh(command);
      await product.configure(changed());
      await assertDeployed();
    });
  }

  it("stops a deployment before anything is changed when it and its archive are damaged, and is repaired as the error says", async () => {
    await given.deployed();
    await product.ssh(`: > ${archive}; rm ${folder}/release.sh; touch /run/before`);
    await product.configure(changed());
    const { output } = await product.failUp();
    const [, advice = ""] =
      /Error: The toolkit on this server is damaged .*\n +Fix: upload it with: npm run up -- STACK --replace '(.*)', then deploy again\.\n/.exec(
        output,
      ) ?? [];
    assert.notEqual(advice, "", output);
    assert.equal(await product.ssh("find /etc /opt /usr -newer /run/before"), "");
    await product.up("--replace", advice);
    await assertDeployed();
  });

  it("is not installed half when the disk is full, and is with the next up", async () => {
    await given.deployed();
    const [id = ""] = await product.containers();
    const onServer = (command: string) => product.engine("exec", "--privileged", id, "sh", "-ec", command);
    await onServer(`rm -rf ${folder}; mount -t tmpfs -o size=8k tmpfs /usr/local/lib`);
    await product.configure(changed());
    try {
      const { output } = await product.failUp();
      assert.match(
        output,
        /Error: The toolkit could not be installed in \S+: .*No space left on device\.\n +Fix: free some disk space/,
      );
      assert.equal(await onServer("ls /usr/local/lib"), "");
    } finally {
      await onServer("umount /usr/local/lib");
    }
    await assertPage(product.url, page);
    await assertDeployed();
  });

  it("refuses a server whose toolkit is of a newer version of the project", async () => {
    await given.deployed();
    await product.ssh(
      `cp ${folder}/version /root/version; echo 99.0.0-01234567 > ${folder}/version; touch /run/before`,
    );
    await product.configure(withPackage());
    assert.match(
      (await product.failUp()).output,
      /Error: The toolkit on this server has version 99\.0\.0-01234567, and this project has the older version \S+\. Nothing was changed\.\n +Fix: deploy with version 99\.0\.0 of this project/,
    );
    assert.equal(await product.ssh("find /etc /opt /usr -newer /run/before"), "");
    await product.ssh(`cat /root/version > ${folder}/version; rm /root/version`);
    await product.up();
  });

  it("does nothing with a manifest that was cut off", async () => {
    await given.deployed();
    const cut = "printf 'app=hello\\nuwsgi_ini:\\n|[uwsgi' | bash /var/lib/uwsgi-nginx/run app up 2>&1";
    assert.match(
      await product.ssh(`touch /run/before; ${cut} || true`),
      /^Error: The manifest is not complete: .* Nothing was changed\.$/m,
    );
    assert.equal(await product.ssh("find /etc /opt -newer /run/before"), "");
  });

  it("lets two runs for one app follow each other", async () => {
    await given.deployed();
    // As long as another run has the lock.
    await product.ssh(
      "(flock 9; touch /run/held; sleep 2; touch /run/given-back) 9> /run/uwsgi-nginx/app-hello > /dev/null 2>&1 &",
    );
    await waitFor("the other run", async () => (await product.ssh("ls /run/held 2> /dev/null || true")) !== "");
    await product.configure(changed());
    await assertDeployed();
    const order = await product.ssh("[ /opt/apps/hello/last-good -nt /run/given-back ] && echo after || echo before");
    assert.equal(order, "after", "the release should wait until the other run has ended");
  });

  it("makes two releases live whole, one after the other, when two runs for one app begin at once", async () => {
    await given.deployed();
    const manifest = String((await product.resource("hello-app"))?.inputs?.stdin);
    const [, release = ""] = /^release=(\w{12})$/m.exec(manifest) ?? [];
    assert.notEqual(release, "", manifest);
    const ids = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"];
    const results = await Promise.all(
      ids.map((id, i) => {
        const text = manifest.replaceAll(release, id).replace(/processes = \d+/, `processes = ${i + 1}`);
        const base64 = Buffer.from(text).toString("base64");
        return product.ssh(`echo ${base64} | base64 -d | bash /var/lib/uwsgi-nginx/run app up`);
      }),
    );
    assert.deepEqual(
      results,
      ids.map((id) => `{"release": "${id}", "uwsgi": "${uwsgiVersion}"}`),
    );
    const live = await product.ssh("readlink /opt/apps/hello/current");
    assert.ok(ids.map((id) => `releases/${id}`).includes(live), live);
    assert.equal(await product.ssh("cat /opt/apps/hello/last-good"), live);
    const main = "$(systemctl show --property MainPID uwsgi@hello | cut -d= -f2)";
    assert.equal(
      await product.ssh(`pgrep --count --parent ${main}`),
      String(ids.map((id) => `releases/${id}`).indexOf(live) + 1),
      "uWSGI should run the live release",
    );
    await assertPage(product.url, page);
    await product.configure(changed());
    await assertDeployed();
  });

  it("imports nothing from the login user's home", async () => {
    await given.deployed();
    const stray = ["platform", "venv", "json", "sitecustomize"].map((name) => `/root/${name}.py`).join(" ");
    await product.ssh(`for file in ${stray}; do echo 'raise SystemExit("stray")' > $file; done`);
    await product.configure(withPackage());
    await product.up();
    await product.writeApp("needy", {
      "wsgi.py": "import six\n" + (await product.readFile("assets/apps/hello/wsgi.py")),
      "requirements.txt": "six==1.16.0\n",
    });
    await product.configure(settings({ processes, packages: ["tar"], source: "apps/needy" }));
    await assertDeployed();
    await product.ssh(`rm ${stray}`);
  });

  it("builds what an app requires as a user of its own, who gets nothing and leaves nothing but the environment", async () => {
    await given.deployed();
    const base64 = Buffer.from(snoop).toString("base64");
    await product.ssh(
      `mkdir -p /srv/snoop-1.0; echo ${base64} | base64 -d > /srv/snoop-1.0/setup.py; tar -czf /srv/snoop-1.0.tar.gz -C /srv snoop-1.0`,
    );
    const source = await product.writeApp("careless", {
      "wsgi.py": "import snoop\n" + (await product.readFile("assets/apps/hello/wsgi.py")),
      "requirements.txt": "/srv/snoop-1.0.tar.gz\n",
    });
    await product.configure(settings({ processes, packages: ["tar"], source }));
    await assertDeployed();
    const venv = "/opt/apps/hello/current/venv";
    const got = await product.ssh(`sed "s/^got = '//; s/'$//" ${venv}/lib/python*/site-packages/snoop.py`);
    const denied = "denied";
    assert.deepEqual(JSON.parse(got), {
      ...{ user: "_hello", groups: [], environment: [] },
      ...{ shadow: denied, unit: denied, shared: denied, live: denied, setuid: denied, next: denied },
    });
    const ran = "ls /var/cache/uwsgi-nginx/hello | grep ran-as | sort";
    assert.equal(await product.ssh(ran), await product.ssh("echo ran-as-$(id -u _hello)"), "nobody else should run it");
    assert.equal(await product.ssh("pgrep -f 'sleep 9876[5]' || true; pgrep -u _hello || true"), "");
    assert.equal(await product.ssh("ls -d /etc/nologin /var/lib/uwsgi-nginx/builds/hello 2> /dev/null || true"), "");
    const strange = "! -user root -o ! -type l -perm /6022";
    assert.equal(await product.ssh(`find ${venv}/ ${strange}; find /opt/uwsgi ${strange}`), "", "it should be root's");
    await product.ssh("rm -r /srv/snoop-1.0 /srv/snoop-1.0.tar.gz");
  });

  it("deploys the other apps when one fails, and leaves nothing of one that has never been live", async () => {
    await given.deployed();
    const second = await product.writeApp("second", { "wsgi.py": await product.readFile("assets/apps/hello/wsgi.py") });
    const broken = await product.writeApp("broken", { "wsgi.py": "import nothere\n" });
    const { apps } = changed();
    const named = (source: string) => ({ source, python: test.python, domains: [`${source.slice(5)}.example.org`] });
    await product.configure({ server, apps: { ...apps, broken: named(broken), second: named(second) } });
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app broken does not start\. No release is live yet\./);
    await assertPage(product.url, page, "second.example.org");
    assert.equal(
      await product.ssh("grep '^processes' /opt/apps/hello/current/uwsgi.ini; ls /opt/apps"),
      `processes = ${processes}\nhello\nsecond`,
    );
    const left =
      "find /etc/systemd /etc/nginx /opt/apps /run/uwsgi-broken -name '*broken*' 2> /dev/null; getent passwd broken || true";
    assert.equal(await product.ssh(left), "");
    await product.configure({ server, apps });
    await assertDeployed();
    assert.equal(await product.ssh("ls /opt/apps"), "hello");
  });

  it("goes on where a lost connection has left it", async () => {
    await given.deployed();
    const source = await product.writeApp("slow", {
      "wsgi.py": `import time\ntime.sleep(3)\n${await product.readFile("assets/apps/hello/wsgi.py")}`,
    });
    await product.configure(settings({ processes: ++processes, source }));
    const { ended, child } = product.start("up", "--yes", "--skip-preview", "--stack", product.stack);
    let printed = "";
    child.stdout?.on("data", (text: string) => (printed += text));
    await waitFor("the trial", () => printed.includes("trying release"));
    await product.exec("pkill -KILL -f '^sshd: root@notty' || true");
    const { code, output } = await ended;
    assert.notEqual(code, 0, output);
    await assertPage(product.url, page);
    await assertDeployed();
    assertUnchanged((await product.up()).output);
    assert.equal(await product.ssh("pgrep --full '[t]rial\\.ini' || echo none"), "none");
  });
});
