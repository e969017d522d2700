// The npm scripts in a fresh copy of the checkout, for a newcomer and for one who is in trouble. Each scenario says what it
// starts from.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, utimesSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { load } from "js-yaml";
import { Checkout } from "../support/checkout";
import { assertLineChanges } from "../support/assertions";
import { appDefaults } from "../support/defaults";
import { type Run, type StartedRun } from "../support/engine";
import { httpGet } from "../support/load";
import { prepared, testPlatforms } from "../support/platforms";
import type { Settings } from "../support/product";
import { Visitor } from "../support/visitor";
import { waitFor } from "../support/waitFor";

const hello = "<h1 style='color:blue'>Hello There!</h1>";
const interruption = "\x03";

describe("the npm scripts in a fresh checkout", function () {
  this.timeout(300_000);

  let checkout: Checkout;
  const page = async () => (await httpGet(checkout.url)).text;
  const succeed = async ({ ended }: StartedRun): Promise<string> => {
    const { code, output } = await ended;
    assert.equal(code, 0, output);
    return output;
  };
  const fail = async ({ ended }: StartedRun): Promise<string> => {
    const { code, output } = await ended;
    assert.ok(code !== 0 && code !== null, `it should fail, and printed\n${output}`);
    assert.doesNotMatch(output, /^\s+at .*\(?(file:|node:|\/)/m, "no stack trace");
    return output;
  };
  const prints = (run: StartedRun, what: RegExp) =>
    Promise.race([
      waitFor(String(what), () => what.test(run.printed()), 120),
      run.ended.then(({ output }: Run) => {
        assert.match(output, what);
      }),
    ]);
  const listen = (port: number) =>
    new Promise<Server>((resolve, reject) => {
      const server = createServer().once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        resolve(server);
      });
    });
  const locks = () => checkout.path(".local/state/.pulumi/locks/organization/uwsgi-nginx/local");
  const up = (...flags: string[]) => checkout.npm("up", "--", "local", "--skip-preview", ...flags);
  const replaceServer = ["--replace", "**command:local:Command::server"];
  const replacing = "npm run up -- local --replace '**command:local:Command::server'";
  const onServer = async (script: string) =>
    checkout.engine("exec", ...(await checkout.containers()), "sh", "-ec", script);
  const workers = async () =>
    Number(await onServer('pgrep --count --parent "$(systemctl show --property MainPID uwsgi@hello | cut -d= -f2)"'));
  /** Processes that are at work in the copy, or for its containers. */
  const processes = (ids: string[]) => {
    const told = (read: () => string) => {
      try {
        return read();
      } catch {
        return ""; // it has ended
      }
    };
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [
        told(() => readlinkSync(`/proc/${pid}/cwd`)),
        told(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
      ])
      .filter((texts) => texts.some((text) => [checkout.folder, ...ids].some((it) => text.includes(it))));
  };
  const stop = async () => {
    await checkout.engine("stop", "--time", "5", ...(await checkout.containers()));
    await assert.rejects(page());
  };

  /** With a cache of its own and container engines that do nothing, so that other checkouts keep their caches and images. */
  const clean = () =>
    checkout.bash('export XDG_CACHE_HOME="$PWD/cache" PATH="$PWD/engines:$PATH"; npm run --silent clean');

  /** The settings of the app that is live. */
  let live: Settings | undefined;
  const given = {
    /** The app is live, with these settings or whatever it has, and so is the container. */
    async started(app: Settings = live ?? {}): Promise<void> {
      await checkout.configure(app);
      if (isDeepStrictEqual(live, app)) return;
      live = undefined;
      await succeed(checkout.npm("start"));
      live = app;
    },
  };
  /** Deploys the settings, which are live from then on. */
  const deploy = async (app: Settings, ...flags: string[]) => {
    await checkout.configure(app);
    await succeed(up(...flags));
    live = app;
  };

  before(async () => {
    // A bare server takes minutes, and deployment.test.ts starts with one.
    const [test] = testPlatforms;
    assert.ok(test, "there is a platform");
    checkout = await Checkout.copy({}, await prepared(test, {}));
    await mkdir(checkout.path("cache/uwsgi-nginx"), { recursive: true });
    await mkdir(checkout.path("engines"));
    for (const engine of ["podman", "docker"])
      await writeFile(checkout.path(`engines/${engine}`), "#!/bin/sh\n", { mode: 0o755 });
  });
  after(() => checkout.remove());

  it("npm start can be interrupted while packages are installed", async () => {
    const run = checkout.terminal("start");
    await prints(run, /packages \(npm ci\)/);
    await waitFor("npm to begin", () => existsSync(checkout.path("node_modules")));
    run.type(interruption);
    assert.match(await fail(run), /^Interrupted\.\r?\nFix: run the same command again to continue\.\r?$/m);
  });

  it("npm start names the setting of a port that is in use, and leaves no container", async () => {
    const server = await listen(checkout.httpPort);
    try {
      const output = await fail(checkout.npm("start"));
      assert.match(
        output,
        new RegExp(
          `uses port ${checkout.httpPort} of 127\\.0\\.0\\.1\\.[^]*choose another port with server\\.httpPort`,
        ),
      );
      assert.match(output, /✔ packages \(npm ci\) {2}\d+\.\d s\n/);
      assert.match(output, /✔ types .* {2}\d+\.\d s\n/);
      assert.match(output, /✔ stack local {2}\d+\.\d s\n/);
      assert.deepEqual(await checkout.containers(), []);
    } finally {
      server.close();
    }
  });

  it("npm start can be interrupted while the server is prepared", async () => {
    const run = checkout.terminal("start");
    await prints(run, /base-server creating/);
    run.type(interruption);
    assert.match(await fail(run), /^Interrupted\.\r?\nFix: run the same command again to continue\.\r?$/m);
  });

  it("npm start reports that its engine was killed; the next one continues, and says where the page is and what next", async () => {
    const run = checkout.npm("start");
    // The engine shows that it creates a resource before it writes that to the state.
    const state = checkout.path(".local/state/.pulumi/stacks/uwsgi-nginx/local.json");
    await prints(run, /hello-app creating/);
    await waitFor("a pending operation in the state", () => readFileSync(state, "utf8").includes("pending_operations"));
    const [lock = ""] = readdirSync(locks());
    const { pid } = JSON.parse(readFileSync(join(locks(), lock), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    assert.match(await fail(run), /'pulumi up' failed \(exit code 137\)/);

    live = undefined;
    const output = await succeed(checkout.npm("start"));
    assert.match(output, /^The pulumi process \d+ that worked on stack local is dead\. Removing its lock/m);
    assert.match(output, /^An earlier command was interrupted\. \d+ unfinished step\(s\) will be repeated\.$/m);
    assert.doesNotMatch(output, /npm ci|tsc|building|Outputs:|^@ updating/m, "nothing is made twice, and no noise");
    assert.match(output, new RegExp(`✔ page ${checkout.url} {2}\\d+\\.\\d s\\n`));
    assert.match(output, new RegExp(`^ {2}${checkout.url} says: Hello There!$`, "m"));
    assert.match(output, /^ {2}change it {3}edit Pulumi\.local\.yaml .*npm run preview; npm run up$/m);
    assert.match(output, /^ {2}remove it {3}npm run destroy$/m);
    assert.equal(await page(), hello);
    assert.equal((await checkout.containers()).length, 1, "what the interrupted run had made is used or gone");

    const login = /^ {2}log in {6}(.*)$/m.exec(output)?.[1];
    assert.equal(await succeed(checkout.bash(`${login} 'readlink /proc/1/exe'`)), "/usr/lib/systemd/systemd\n");
  });

  it("npm start changes nothing when it is run again, but closes .local if other users may read something in it", async () => {
    await given.started();
    const open = () => succeed(checkout.bash("find .local ! -type l -perm /077"));
    assert.equal(await open(), "", "the first start should leave nothing open");
    await succeed(checkout.bash("chmod -R go+rX .local"));
    const before = await checkout.containers();
    const output = await succeed(checkout.npm("start"));
    assert.equal(await open(), "");
    assert.match(output, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(output, /created|updated|replaced|deleted|npm ci|tsc|✔ (?!page)/);
    assert.deepEqual(await checkout.containers(), before);
  });

  it("npm run clean refuses as long as there is a stack", async () => {
    await given.started();
    assert.match(
      await fail(clean()),
      /The stacks local still exist\. Nothing was changed\.\nFix: destroy them first: npm run destroy -- local/,
    );
    assert.ok(existsSync(checkout.path(".local/passphrase")), "clean should not remove the passphrase");
  });

  it("npm run env prints an environment in which plain pulumi commands work", async () => {
    await given.started();
    const plain = (command: string) => succeed(checkout.bash(`eval "$(npm run --silent env)" && ${command}`));
    assert.match(await plain("pulumi preview --expect-no-changes --non-interactive"), /^ {4}\d+ unchanged$/m);
    assert.match(await plain("pulumi up --yes --non-interactive"), /^Updating \(local\):[^]*^ {4}\d+ unchanged$/m);
    assert.match(await plain("pulumi stack output url"), new RegExp(`^${checkout.url}$`, "m"));
  });

  it("npm run up reports a missing, wrong or empty passphrase, and changes nothing", async () => {
    await given.started();
    const [file, aside] = [checkout.path(".local/passphrase"), checkout.path(".local/passphrase.aside")];
    const state = checkout.path(".local/state/.pulumi/stacks/uwsgi-nginx/local.json");
    const before = await readFile(state, "utf8");
    await rename(file, aside);
    assert.match(
      await fail(up()),
      /passphrase file .*\.local\/passphrase is missing[^]*Fix: restore the passphrase in .*\.local\/passphrase/,
    );
    assert.ok(!existsSync(file), "no other one is made");
    await writeFile(file, "another\n");
    assert.match(await fail(up()), /passphrase is not the one .* Nothing was changed[^]*Fix: restore the passphrase/);
    await writeFile(file, "");
    assert.match(await fail(up()), /passphrase file .* is empty/);
    await rename(aside, file);
    assert.equal(await readFile(state, "utf8"), before);
  });

  it("npm run preview shows the line that a setting changes; up applies it, and a second up meanwhile fails at once", async () => {
    await given.started({});
    const more = appDefaults.processes + 2;
    await checkout.configure((live = { processes: more }));
    assertLineChanges(
      await succeed(checkout.npm("preview")),
      `processes = ${appDefaults.processes}`,
      `processes = ${more}`,
    );

    const first = up();
    await waitFor("the first to begin", () => existsSync(locks()) && readdirSync(locks()).length > 0);
    const second = await fail(up());
    assert.match(second, /Another pulumi \(process \d+.*is working on[^]*wait until it has ended, or stop it/);
    assert.doesNotMatch(second, /Updating/);
    await succeed(first);
    assert.equal(await workers(), more);
  });

  it("npm start finds the page that the health check asks for, of an app whose domain does not resolve, and says how to reach it", async () => {
    await checkout.configure((live = { domains: ["*.shop.invalid"], healthCheck: { path: "/up", status: 200 } }));
    const output = await succeed(checkout.npm("start"));
    const site = `www.shop.invalid:${checkout.httpPort}`;
    const line = `\n  http://${site}/up says: Hello There!\n`;
    assert.ok(output.includes(line), `the output should have the page's line, and is\n${output}`);
    const curl =
      /^ {2}reach it {4}www\.shop\.invalid does not resolve to the server .*: (curl .*), or add to \/etc\/hosts: /m;
    assert.equal(await succeed(checkout.bash(`${curl.exec(output)?.[1]} --silent --fail`)), hello);
  });

  it("npm start starts a stopped container, and changes nothing", async () => {
    await given.started();
    await stop();
    const output = await succeed(checkout.npm("start"));
    assert.match(output, /says: Hello There!/);
    assert.match(output, /^ {4}\d+ unchanged$/m);
  });

  it("npm run up applies a change to a stopped container", async () => {
    await given.started();
    await stop();
    await deploy({ processes: 3 });
    assert.equal(await page(), hello);
    assert.equal(await workers(), 3);
  });

  it("npm run up keeps the running server when a new port is in use", async () => {
    await given.started();
    const server = await listen(0);
    try {
      const address = server.address();
      const httpPort = typeof address === "object" ? address?.port : undefined;
      await checkout.configure(live ?? {}, { httpPort });
      assert.match(await fail(up()), new RegExp(`uses port ${httpPort} of 127\\.0\\.0\\.1\\.`));
      assert.equal(await page(), hello);
    } finally {
      server.close();
    }
  });

  it("npm run up says what to do when the server rejects the login key, on a terminal too", async () => {
    await given.started();
    await checkout.configure({ processes: 6 });
    await onServer("mv /root/.ssh/authorized_keys /root/.ssh/aside");
    try {
      const output = await fail(checkout.terminal("up", "--", "local", "--yes", "--skip-preview"));
      assert.match(output, /unable to authenticate/);
      assert.match(output, /The container rejected the login key/);
      assert.ok(output.includes(replacing), `the output should name the command, and is\n${output}`);
    } finally {
      await onServer("mv /root/.ssh/aside /root/.ssh/authorized_keys");
    }
  });

  it("npm run up says what to do when the host key is another one, and sends nothing", async () => {
    await given.started();
    const before = await workers();
    await checkout.configure({ processes: before + 1 });
    const restart = "systemctl restart ssh";
    await onServer(
      `cd /etc/ssh; mkdir aside; mv ssh_host_ed25519_key* aside; ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key; ${restart}`,
    );
    try {
      const output = await fail(up());
      assert.match(output, /host key mismatch/);
      assert.match(output, /The container has another host key/);
      assert.equal(await workers(), before);
    } finally {
      await onServer(`cd /etc/ssh; mv aside/* .; rmdir aside; ${restart}`);
    }
  });

  it("npm run up names the command that replaces a container which was removed by hand", async () => {
    await given.started();
    live = undefined;
    await checkout.engine("rm", "--force", "--time", "0", ...(await checkout.containers()));
    for (const run of [checkout.npm("start"), up()]) {
      const output = await fail(run);
      assert.match(output, /container of stack local has been removed\. Nothing was changed/);
      assert.ok(output.includes(replacing), `the output should name the command, and is\n${output}`);
    }
    await deploy({ processes: 4 }, ...replaceServer);
    assert.equal(await page(), hello);
    assert.equal(await workers(), 4);
  });

  it("npm run up deploys changed code, and removes archives that no app has used for a day", async () => {
    await given.started();
    const archives = () => readdirSync(checkout.path(".local/archives")).filter((name) => !name.startsWith("toolkit-"));
    const [old = "", ...others] = archives();
    assert.deepEqual(others, []);
    utimesSync(checkout.path(`.local/archives/${old}`), 0, 0);
    const code = checkout.path("assets/apps/hello/wsgi.py");
    await writeFile(code, (await readFile(code, "utf8")).replace("Hello", "Good bye"));
    await succeed(up());
    assert.equal(await page(), hello.replace("Hello", "Good bye"));
    assert.equal(archives().length, 1);
    assert.notDeepEqual(archives(), [old]);
  });

  it("the README's own app is deployed word for word, and gets a user on a terminal", async () => {
    await given.started();
    const section = /^## Your own app in five minutes\n(.*?)^## /ms.exec(await checkout.read("README.md"))?.[1] ?? "";
    const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => [
      language,
      text,
    ]);
    assert.deepEqual(
      blocks.map(([language]) => language),
      ["sh", "yaml", "sh", "sh"],
    );
    const [copy = "", settings = "", deploy = "", makeUser = ""] = blocks.map(([, text]) => text);
    await succeed(checkout.bash(copy));
    live = undefined;
    await checkout.configureApps((load(settings) as { config: Record<string, Settings> }).config.apps ?? {});
    const output = await succeed(checkout.bash(`set -e\n${deploy}`));
    assert.match(output, new RegExp(`^ {2}${checkout.url} says: Notes:`, "m"));
    assert.match((await httpGet(`${checkout.url}static/admin/css/base.css`)).text, /DJANGO Admin styles/);

    const password = randomBytes(12).toString("hex");
    const run = checkout.terminal(...makeUser.trim().split(" ").slice("npm run".split(" ").length));
    for (const [question, answer] of [
      [/Username/, "admin"],
      [/Email/, "admin@example.com"],
      [/Password: /, password],
      [/Password \(again\): /, password],
    ] as const) {
      await prints(run, question);
      run.type(`${answer}\r`);
    }
    assert.match(await succeed(run), /Superuser created successfully/);
    const { stdout } = await checkout.npm("exec", "--", "local", "shop", "--", "printenv", "SECRET_KEY").ended;
    assert.match(stdout, /^\w{64}\n$/);
    assert.ok(!output.includes(stdout.trim()), "npm may not print the generated secret");
    const visitor = new Visitor(checkout.url);
    assert.equal(await visitor.post("admin/login/?next=/admin/", { username: "admin", password }), 302);
    assert.equal(await visitor.get("admin/"), 200);
  });

  it("npm run destroy leaves only the settings, and can be repeated", async () => {
    await given.started();
    const settings = await checkout.configure(live ?? {});
    live = undefined;
    const containers = await checkout.containers();
    assert.ok(processes(containers).length > 0, "the container's monitor is one");
    const ofVolumes = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}';
    const volumes = (await checkout.engine("inspect", "--format", ofVolumes, ...containers)).split(" ").filter(Boolean);
    const output = await succeed(checkout.npm("destroy"));
    assert.match(output, /Stack local is destroyed/);
    assert.deepEqual(await checkout.containers(), []);
    const allVolumes = (await checkout.engine("volume", "ls", "--quiet")).split("\n");
    assert.deepEqual(
      volumes.filter((volume) => allVolumes.includes(volume)),
      [],
    );
    await waitFor("its processes to end", () => {
      assert.deepEqual(processes(containers), []);
      return true;
    });
    assert.ok(!existsSync(checkout.path(".local/servers/local")), "the key files are gone");
    assert.equal(await checkout.read("Pulumi.local.yaml"), settings);
    const state = checkout.path(".local/state");
    const left = readdirSync(state, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.includes("local") && statSync(join(state, name)).isFile(),
    );
    assert.deepEqual(left, []);
    assert.match(await succeed(checkout.npm("destroy")), /Stack local does not exist\. There is nothing to destroy/);
  });

  it("npm run clean removes everything that the scripts have made, once there is no stack", async () => {
    if (live !== undefined) await succeed(checkout.npm("destroy"));
    live = undefined;
    await succeed(clean());
    for (const folder of [".local", "cache/uwsgi-nginx"])
      assert.ok(!existsSync(checkout.path(folder)), `clean should remove ${folder}`);
  });

  it("npm run env prepares a checkout for plain pulumi commands in which nothing was started yet", async () => {
    if (live !== undefined) await succeed(checkout.npm("destroy"));
    live = undefined;
    await succeed(clean());
    const plain = (command: string) => succeed(checkout.bash(`eval "$(npm run --silent env)" && ${command}`));
    assert.match(await plain("pulumi stack init prod"), /Created stack 'prod'/);
    await plain("pulumi stack rm --yes prod");
  });
});
