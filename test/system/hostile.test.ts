// A hostile app, and a hostile package that it requires, on a server with another app: they try whatever they can think of
// (test/fakes/hostile/attempts.py), and the test passes when they got nothing.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { assertPage } from "../support/assertions";
import { httpGet } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { root } from "../support/root";

const code = join(root, "test/fakes/hostile");
const secret = "marker-7d20c4";
const metadata = "169.254.169.254";

/** An attempt and what came of it, as attempts.py reports it. */
interface Result {
  name: string;
  /** The option of systemd that alone prevents it, and the first systemd with which the units have it. */
  option: string;
  systemd: number;
  /** Whether root can do it in a container. */
  container: boolean;
  got: string | null;
  /** The system's answer, if it got nothing. */
  why: string;
  /** In the attempt itself. */
  mistake?: string;
}

/** Answers the trial, which is asked over HTTP, and then never comes to an end. */
const endless = `import time

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    while "HTTP_USER_AGENT" not in environ:
        time.sleep(0.2)
        yield b"."
`;

/**
 * Options with which a container's systemd can give units file systems of their own: only then are they protected as on a real
 * server. It would also mount the cgroup hierarchies that your computer has not mounted, if /proc/cgroups named them.
 */
const mounting = [
  ...["--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE"],
  "--security-opt=apparmor=unconfined",
  `--entrypoint=${JSON.stringify(["/bin/sh", "-c", `sed 's/[0-9]$/0/' /proc/cgroups > /run/cgroups && mount --bind /run/cgroups /proc/cgroups && exec "$@"`, "sh"])}`,
];

onEachPlatform("a hostile app next to another one", function (test) {
  this.timeout(300_000);

  const { python, platform } = test;
  const interpreter = platform.pythons[python]?.executable ?? "";
  let product: Product;
  let apps: Record<"victim" | "hostile", Record<string, unknown>>;
  let server: Record<string, unknown>;
  /** By the place where the attempts were made. */
  let results: Record<"app" | "trial" | "build", Result[]>;
  /** Whether this container's systemd can keep a unit from an address. */
  let filtersAddresses: boolean;
  /** Whether units keep their users from an address with rules of the firewall, and this container has one. */
  let hasFirewall: boolean;
  let untouched: string;
  /** Files that had no owner before the hostile app came. */
  let ownerless: string;
  const findOwnerless = () =>
    product.exec("find / /run /tmp /dev/shm -xdev -path /run/sudo -prune -o \\( -nouser -o -nogroup \\) -print | sort");

  /** What hostile code would like to change for others. */
  const others = () =>
    product.exec(
      "stat --format '%n %U %G %a' /etc/shadow /opt/apps/victim/shared/*; systemctl show --property MainPID uwsgi@victim uwsgi@hostile",
    );
  const answer = async (host: string, path = "") => httpGet(`${product.url}${path}`, { Host: host });
  const privileged = async (script: string) => {
    const [id = ""] = await product.containers();
    return product.engine("exec", "--privileged", id, "sh", "-ec", script);
  };
  /** Tells the attacker which processes there are. */
  const writeTargets = (socket = "/run/uwsgi-victim/uwsgi.sock") =>
    product.exec(`list() { pgrep "$@" | paste -s -d ,; }
      printf '{"victim": [%s], "system": [1,%s,%s], "victim_socket": "${socket}", "secret_backwards": "${Buffer.from(secret).reverse().toString()}"}' \\
        "$(list -u victim)" "$(list nginx)" "$(list sshd)" > /srv/hostile/targets.json`);

  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    await product.runWith(...mounting, ...(platform.systemd < 235 ? ["--cap-add=NET_ADMIN"] : []));
    const files = async (...names: string[]) =>
      Object.fromEntries(
        await Promise.all(names.map(async (name) => [name, await readFile(join(code, name), "utf8")] as const)),
      );
    const victim = { "wsgi.py": await readFile(join(code, "victim.py"), "utf8") };
    const requirements = { "requirements.txt": "/srv/hostile/hostile-1.0.tar.gz\n" };
    apps = {
      victim: {
        ...{ source: await product.writeApp("victim", victim), python },
        ...{ domains: ["victim.example.org"], secrets: { TOKEN: secret } },
      },
      hostile: {
        source: await product.writeApp("hostile", { ...(await files("wsgi.py", "attempts.py")), ...requirements }),
        ...{ python, domains: ["hostile.example.org"], secrets: { OWN: "own" }, healthCheck: { timeoutSeconds: 60 } },
      },
    };
    await product.configure({ server, apps: { victim: apps.victim } });
    await product.up();
    ownerless = await findOwnerless();

    const [id = ""] = await product.containers();
    await product.engine("cp", code, `${id}:/srv/`);
    await product.exec(`cd /srv/hostile
      chmod -R a+rX .
      mkdir mount hostile-1.0 /home/somebody
      cp setup.py attempts.py hostile-1.0
      tar --create --gzip --file hostile-1.0.tar.gz hostile-1.0
      install -m 4755 /usr/bin/id setuid-id
      echo notes > /home/somebody/notes
      chmod 755 /home/somebody
      . /etc/os-release
      # As on a real Debian.
      [ "$ID" != debian ] || chmod 1777 /run/lock`);
    // Whoever connects reaches nginx.
    await privileged(`ip address add ${metadata}/32 dev lo; ip address add fd00:ec2::254/128 dev lo`);
    const connect = `import socket; socket.create_connection(("${metadata}", 80), 2)`;
    filtersAddresses = await product
      .exec(`systemd-run --quiet --wait --property IPAddressDeny=${metadata} ${interpreter} -c '${connect}'`)
      .then(
        () => false,
        () => true,
      );
    const firewall = await product.exec("iptables -S OUTPUT && ip6tables -S OUTPUT || echo none");
    hasFirewall = platform.systemd < 235 && !firewall.endsWith("none");
    await writeTargets();
    await product.configure({ server, apps });
    await product.up();
    untouched = await others();
    await writeTargets();
    const { status, text } = await answer("hostile.example.org", "attack");
    assert.equal(status, 200, text);
    results = JSON.parse(text) as typeof results;
  });
  after(() => (product as Product | undefined)?.remove());

  /** Why an attempt may get something here, or undefined. */
  function excuse({ option, systemd, got }: Result): string | undefined {
    if (option === "IPAddressDeny" && hasFirewall) return undefined;
    if (systemd > platform.systemd)
      return `not prevented by systemd ${platform.systemd}, with which units have no ${option}`;
    if (got?.endsWith("its unit denies it") && !filtersAddresses)
      return "not prevented by the systemd of this container";
    return undefined;
  }

  /** Prints the attempts and fails if one of them got something. */
  function assertNothing(list: readonly Result[]): void {
    for (const result of list) {
      const { name, got, why, mistake } = result;
      const nothing = `nothing${why === "" ? "" : ` (${why})`}`;
      const what = mistake ?? (got === null ? nothing : `GOT ${got}`);
      const because = got === null ? undefined : excuse(result);
      const line = what.replace(/[^ -~]+/g, " ").slice(0, 90) + (because === undefined ? "" : ` (${because})`);
      console.log(`      ${name.padEnd(54)} ${line}`);
    }
    const got = list.filter((result) => result.got !== null && excuse(result) === undefined).map(({ name }) => name);
    assert.equal(got.join("\n"), "", `${got.length} of ${list.length} attempts got something`);
    const mistakes = list.flatMap(({ name, mistake }) => (mistake === undefined ? [] : [`${name}: ${mistake}`]));
    assert.equal(mistakes.join("\n"), "", "the attempts themselves should make no mistakes");
    assert.ok(list.length >= 30, `only ${list.length} attempts were made`);
  }

  it("is protected from others as on a real server: its units have file systems of their own", async () => {
    const mounts = await privileged(
      "readlink /proc/1/ns/mnt /proc/$(systemctl show --property MainPID uwsgi@hostile | cut -d = -f 2)/ns/mnt",
    );
    assert.equal(
      new Set(mounts.split("\n")).size,
      2,
      "the tests need a container engine that lets systemd mount (CAP_SYS_ADMIN)",
    );
  });

  const places = { build: "while its requirements are built", trial: "while its release is tried", app: "as it runs" };
  for (const [place, when] of Object.entries(places) as [keyof typeof places, string][]) {
    it(`gets neither root's rights nor anything of another app ${when}`, () => {
      assertNothing(results[place]);
    });
  }

  it("is no more to nginx's user than a page: that user has nothing of an app but its socket", async () => {
    const attempts = `cd /srv/hostile && runuser -u ${platform.nginx.user} -- ${interpreter} -B attempts.py stranger`;
    assertNothing(JSON.parse(await product.exec(attempts)) as Result[]);
  });

  it("leaves nothing of its build and its trial, and changes nothing for others", async () => {
    const left = "pgrep --list-full --full '^hostile-by-(build|trial)' || true";
    assert.equal(await product.exec(left), "", "their processes should have ended with them");
    const files = await product.exec("ls /tmp/hostile-by-* /var/tmp/hostile-by-* 2> /dev/null || true");
    assert.equal(files, "", "their temporary files should be their own");
    assert.equal(await others(), untouched);
    assert.deepEqual(await answer("victim.example.org"), { status: 200, text: "victim" });
    assert.deepEqual(await answer("hostile.example.org"), { status: 200, text: "{}" });
  });

  it("has limits: of processes, memory, open files and the size of files", async () => {
    const names = ["TasksMax", "MemoryMax", "LimitNOFILE", "LimitFSIZE"];
    const shown = await product.exec(`systemctl show --property ${names.join(",")} uwsgi@hostile`);
    const limits = Object.fromEntries(shown.split("\n").map((line) => line.split("=") as [string, string]));
    const wanted = platform.systemd >= 231 ? names : names.slice(2);
    for (const name of wanted) assert.match(limits[name] ?? "", /^\d+$/, `the unit should have ${name}`);
    // systemd's own default is tens of thousands.
    if (wanted.includes("TasksMax")) assert.ok(Number(limits.TasksMax) <= 8192, `TasksMax=${limits.TasksMax}`);
  });

  // That of CentOS 7 does not rate units.
  if (platform.systemd >= 240) {
    it("has a unit that systemd rates at most 2.0 for its exposure", async () => {
      const rating = await product.exec("systemd-analyze security uwsgi@hostile.service --no-pager");
      const [, exposure] = /Overall exposure level for \S+: (\S+)/.exec(rating) ?? [];
      console.log(`      exposure: ${exposure}`);
      assert.ok(Number(exposure) <= 2, rating);
    });
  }

  it("holds no deployment with an answer that never ends", async () => {
    const source = await product.writeApp("endless", { "wsgi.py": endless });
    const app = { source, python, domains: ["endless.example.org"], healthCheck: { timeoutSeconds: 3 } };
    await product.configure({ server, apps: { ...apps, endless: app } });
    const { child, ended } = product.start("up", "--yes", "--skip-preview", "--stack", product.stack);
    const run = await Promise.race([ended, pause(60_000, undefined, { ref: false })]);
    if (run === undefined) {
      child.kill("SIGKILL");
      await ended;
      await product.succeed("cancel", "--yes", product.stack);
    }
    assert.ok(run, "up should have ended within 60 seconds");
    assert.match(run.output, /Error: Release \w{12} of app endless /);
    assert.equal((await answer("victim.example.org")).text, "victim");
  });

  it("leaves nothing on the server when it leaves the settings: no process, no file and no memory", async () => {
    await product.configure({ server, apps: { victim: apps.victim } });
    await product.up();
    const left = await product.exec(`pgrep --list-full --full '^hostile-by-' || true
      ps -e -o user:32= -o args= | grep '^[0-9]' || true
      find / /run /tmp /dev/shm -xdev -path /run/sudo -prune -o \\( -name 'hostile-by-*' -o -path '*/apps/hostile' \\) -print
      getent passwd | grep hostile || true`);
    assert.equal(left, "");
    assert.equal(await findOwnerless(), ownerless, "nothing of a user who is gone should be left");
    assert.equal(await product.exec("tail -n +2 /proc/sysvipc/shm"), "", "no shared memory should be left");
    const rules = await product.exec(`{ iptables -S OUTPUT; ip6tables -S OUTPUT; } 2> /dev/null |
      sed -n 's/.* --uid-owner \\([0-9]*\\) .*/\\1/p' | while read -r id; do getent passwd "$id" > /dev/null || echo "$id"; done`);
    assert.equal(rules, "", "the firewall should have no rules for users who are gone");
    await assertPage(product.url, "victim", "victim.example.org");
  });

  it("makes attempts that work: root and the victim's user get what the app did not", async () => {
    // The same over the socket of a uWSGI that runs what it is told to.
    const socket = "/srv/hostile/uwsgi.sock";
    await product.exec(`mkdir -p /tmp/tmp.toolkit /run/uwsgi-hostile
      cp -a /opt/apps/victim /opt/apps/hostile
      cp /etc/systemd/system/uwsgi@victim.service /etc/systemd/system/uwsgi@hostile.service
      cd /srv/hostile
      TOKEN=${secret} /opt/apps/victim/current/venv/bin/uwsgi --socket ${socket} --chmod-socket=666 --wsgi-file victim.py \\
        --daemonize /dev/null`);
    await writeTargets(socket);
    const run = async (as: string) => {
      const text = await privileged(`cd /srv/hostile; ${as} ${interpreter} -B attempts.py control`);
      return JSON.parse(text) as Result[];
    };
    const group = await product.exec("stat --format %G /proc/$(pgrep -u victim | head -n 1)");
    const all = [await run(""), await run(`runuser -u victim -g ${group} --`)].flat();
    const got = new Set(all.filter((result) => result.got !== null).map(({ name }) => name));
    const failed = [...new Set(all.filter(({ name }) => !got.has(name)).map(({ name }) => name))];
    console.log(`      not even root can do this in a container: ${failed.join(", ")}`);
    const beyond = all.filter(({ container }) => !container).map(({ name }) => name);
    assert.deepEqual(
      failed.filter((name) => !beyond.includes(name)),
      [],
      "an attempt that nobody can make proves nothing",
    );
  });
});
