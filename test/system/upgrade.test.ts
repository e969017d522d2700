// Stacks of earlier versions are taken over as they are.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { assertPage, assertServed, assertUnchanged } from "../support/assertions";
import { underLoad } from "../support/load";
import { preparedSettings, testPlatforms } from "../support/platforms";
import { toolkit } from "../support/plans";
import type { Product } from "../support/product";
import { fixtures, restore } from "../support/releasedStack";
import { TestServer } from "../support/testServer";

const versions = readdirSync(fixtures, { withFileTypes: true }).filter((it) => it.isDirectory());

for (const { name: version } of versions) {
  describe(`a stack of version ${version}`, function () {
    this.timeout(300_000);

    let server: TestServer;
    let product: Product;
    let url: string;
    before(async function () {
      const [test] = testPlatforms;
      assert.ok(test, "there is a platform");
      server = await TestServer.startWith(test, await preparedSettings(test, this), []);
      product = await restore(join(fixtures, version), server);
      url = `http://127.0.0.1:${server.port(80)}/`;
    });
    after(async () => {
      await (product as Product | undefined)?.remove();
      await TestServer.stopAll();
    });

    it("is taken over by an up that drops no request and removes nothing", async () => {
      await assertPage(url, "<h1 style='color:blue'>Hello There!</h1>");
      let output = "";
      const load = await underLoad(url, async () => {
        output = (await product.up()).output;
      });
      assertServed(load, ["<h1 style='color:blue'>Hello There!</h1>"]);
      assert.doesNotMatch(output, /deleted|replaced/, "an upgrade keeps every resource");
      // The next step of an app installs it.
      assert.equal(await server.sh("cat /var/lib/uwsgi-nginx/toolkit-hash"), toolkit.hash);
      assertUnchanged((await product.up()).output);
      // Its code could be read by everybody who got to it.
      assert.equal(await server.sh("stat --format '%U:%G %a' /opt/apps/hello/current/app/"), "root:hello 750");
    });

    it("is changed afterwards like any other stack, and leaves nothing behind", async () => {
      // Its pip ran as root.
      await server.sh("install -d -m 755 /var/cache/uwsgi-nginx/hello/http");
      await product.writeFile("apps/hello/requirements.txt", "six==1.16.0\n");
      await product.setConfig("uwsgi-nginx:apps.hello.processes", "2", { path: true });
      await product.up();
      assert.equal(await server.sh("cat /usr/local/lib/uwsgi-nginx/version"), toolkit.version);
      assert.equal(await server.sh("stat --format %U /var/cache/uwsgi-nginx/hello"), "_hello");
      assert.equal(await server.sh("grep ^processes /opt/apps/hello/current/uwsgi.ini"), "processes = 2");
      await product.destroy();
      assert.equal(
        await server.sh("ls -d /opt/apps /var/lib/uwsgi-nginx /usr/local/lib/uwsgi-nginx 2> /dev/null || true"),
        "",
      );
    });
  });
}
