// Sample apps that are like real ones: what they need, and what they do to others.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { commandLine } from "../../rendering/shell";
import { execLine } from "../../toolchain/commands/exec";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onEachPlatform, onGenuinePlatforms, preparedSettings, type TestPlatform } from "../support/platforms";
import { Product } from "../support/product";
import { root } from "../support/root";
import { Visitor } from "../support/visitor";
import { waitFor } from "../support/waitFor";

/** Hooks that give each suite a server of its own. */
function onServer(test: TestPlatform): { product: Product; server: Record<string, unknown> } {
  const it = {} as { product: Product; server: Record<string, unknown> };
  before(async function () {
    it.server = await preparedSettings(test, this);
    it.product = await Product.make({ server: it.server }, test);
  });
  after(() => (it.product as Product | undefined)?.remove());
  return it;
}

const releases = 5;

/** Makes a user who may do everything in Django's admin, as `npm run exec -- STACK shop -- python manage.py shell` can. */
async function makeUser(product: Product, username: string, password: string): Promise<void> {
  const program = `from django.contrib.auth.models import User; User.objects.create_superuser("${username}", password="${password}")`;
  const line = execLine(root, {
    ...{ hasTerminal: false, asksForPassword: false, app: "shop" },
    words: ["python", "manage.py", "shell"],
  });
  await product.ssh(`${commandLine(["echo", program])} | ${line}`);
}

onEachPlatform(
  "a Flask app with an application factory, an instance folder and a compiled dependency",
  function (test) {
    this.timeout(600_000);
    const on = onServer(test);

    interface Visit {
      visits: number;
      release: string;
      compiled: boolean;
    }

    it("keeps its data over five releases, which share one environment", async () => {
      const { product, server } = on;
      const source = await product.copyApp("visits");
      const app = { source, module: "visits:create_app()", folders: ["instance"], python: test.python };
      await product.configure({ server, apps: { visits: app } });
      let before = 0;
      for (let release = 1; release <= releases; release++) {
        await product.writeApp("visits", { "release.txt": String(release) });
        await product.up();
        const { release: live } = ((await product.outputs()).apps as Record<string, { release: string }>).visits ?? {};
        const seen = JSON.parse((await httpGet(product.url)).text) as Visit;
        assert.deepEqual({ ...seen, visits: 0 }, { visits: 0, release: live, compiled: true });
        assert.ok(seen.visits > before, `the app should remember more than ${before} visits, and knows ${seen.visits}`);
        before = seen.visits;
      }
      assertUnchanged((await product.up()).output);
      const folder = "/opt/apps/visits";
      assert.equal(await product.ssh(`ls ${folder}/releases | wc -l; ls ${folder}/venvs | wc -l`), `${releases}\n1`);
    });
  },
);

onGenuinePlatforms("a Django project with migrations, the admin and its data in a kept folder", function (test) {
  this.timeout(600_000);
  const on = onServer(test);
  const password = randomBytes(12).toString("hex");

  const apps = (source: string) => ({
    shop: {
      source,
      module: "shop.wsgi:application",
      folders: ["data"],
      static: { "/static/": "staticfiles" },
      secrets: { SECRET_KEY: { generate: true } },
      commands: {
        build: ["python manage.py collectstatic --noinput"],
        release: ["python manage.py migrate --noinput"],
      },
    },
  });

  it("is served with its style, takes a note from somebody who logs in, and keeps it over five releases", async () => {
    const { product, server } = on;
    const source = await product.copyApp("shop");
    await product.configure({ server, apps: apps(source) });
    await product.up();
    assert.deepEqual(await httpGet(product.url), { status: 200, text: "Notes:\n\n" });
    assert.match((await httpGet(`${product.url}static/admin/css/base.css`)).text, /DJANGO Admin styles/);
    const visitor = new Visitor(product.url);
    assert.equal(await visitor.post("admin/login/?next=/admin/", { username: "admin", password }), 200, "no such user");
    await makeUser(product, "admin", password);
    assert.equal(await visitor.post("admin/login/?next=/admin/", { username: "admin", password }), 302);
    assert.equal(await visitor.post("admin/notes/note/add/", { text: "kept" }), 302);
    for (let release = 2; release <= releases; release++) {
      await product.writeApp("shop", { "release.txt": String(release) });
      await product.up();
      assert.equal((await httpGet(product.url)).text, "Notes:\nkept\n");
    }
    assertUnchanged((await product.up()).output);
    assert.equal(await visitor.get("admin/"), 200, "who has logged in stays so: the generated key is the same");
    assert.equal(await product.ssh("ls /opt/apps/shop/venvs | wc -l"), "1");
  });
});

onGenuinePlatforms("an app that misbehaves", function (test) {
  this.timeout(300_000);
  const on = onServer(test);
  const host = { host: "trouble.example.org" };

  it("harms neither its next requests nor another app, and is not replaced by a release that hangs", async () => {
    const { product, server } = on;
    const trouble = {
      ...{ source: await product.copyApp("trouble"), domains: [host.host], processes: 2, python: test.python },
      limits: { memory: "300M", tasks: 100 },
    };
    const hello = { python: test.python };
    await product.configure({ server, apps: { hello, trouble } });
    await product.up();
    const ask = (path: string) =>
      httpGet(product.url + path, host).catch((error: unknown) => ({ text: String(error) }));
    for (const harm of ["crash", "write", "flood", "leak", "fork"]) {
      const { text } = await ask(harm);
      if (harm === "write") assert.equal(text, "nothing", "an app can write only to its own folders");
      await waitFor(`an answer after ${harm}`, async () => (await ask("")).text === "well");
      assert.equal((await httpGet(product.url)).status, 200, `the other app answers after ${harm}`);
    }
    await product.configure({
      server,
      apps: { hello, trouble: { ...trouble, environment: { MISBEHAVE: "hang" }, healthCheck: { timeoutSeconds: 2 } } },
    });
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app trouble does not start\. Release \w{12} stays live\./);
    assert.equal((await ask("")).text, "well");
    const slow = { MISBEHAVE: "slow", START_SECONDS: "3" };
    await product.configure({ server, apps: { hello, trouble: { ...trouble, environment: slow } } });
    await product.up();
    // One of its two processes hangs.
    const hanging = ask("hang");
    assert.equal((await ask("")).text, "well");
    assert.equal((await httpGet(product.url)).status, 200, "the other app answers while one hangs");
    await hanging;
  });
});
