// A firewall that lets a user begin few SSH connections, as many servers have one: one app passes, and for more of them the
// error says what to do.
import assert from "node:assert/strict";
import { sshHints } from "../../servers/ssh/hints";
import { assertPage, assertUnchanged } from "../support/assertions";
import { preparedSettings, testPlatforms } from "../support/platforms";
import { Product } from "../support/product";
import { inProof } from "../support/proof";
import { SshLimit } from "../support/sshLimit";
import { TestServer } from "../support/testServer";

const page = "<h1 style='color:blue'>Hello There!</h1>";

describe("a server that rejects the sixth SSH connection within 30 seconds", function () {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  let url: string;
  let limit: SshLimit;
  after(async () => {
    await (product as Product | undefined)?.remove();
    await (limit as SshLimit | undefined)?.stop();
    await TestServer.stopAll();
  });

  it("is deployed with five connections, and a second up needs none", async function () {
    const [test] = testPlatforms;
    assert.ok(test, "there is a platform");
    const settings = await preparedSettings(test, this);
    const container = await TestServer.startWith(test, settings, []);
    limit = await SshLimit.before(container.connection.port);
    product = await Product.make();
    server = { ...container.settings, port: limit.port };
    url = `http://127.0.0.1:${container.port(80)}/`;
    await product.configure({ server });
    await product.up();
    await assertPage(url, page);
    assert.deepEqual({ begun: limit.begun, rejected: limit.rejected }, { begun: 5, rejected: 0 });
    assertUnchanged((await product.up()).output);
    assert.deepEqual({ begun: limit.begun, rejected: limit.rejected }, { begun: 5, rejected: 0 });
  });

  inProof(
    "stops an up with five apps, whose error says what to do; the next up goes on once the limit is lifted",
    async () => {
      assert.ok(server, "the test above has made the server");
      const names = ["one", "two", "three", "four", "five"];
      const code = { "wsgi.py": await product.readFile("assets/apps/hello/wsgi.py") };
      for (const name of names) await product.writeApp(name, code);
      const appOf = (name: string) => [name, { source: `apps/${name}`, domains: [`${name}.example.org`] }] as const;
      await product.configure({ server, apps: { ...Object.fromEntries(names.map(appOf)), hello: {} } });
      const { output } = await product.failUp();
      const found = sshHints.filter(({ pattern }) => pattern.test(output)).map(({ hint }) => hint(product.stack));
      assert.equal(found.length, 1, output);
      assert.match(found[0] ?? "", /^The server breaks off new SSH connections/);
      await assertPage(url, page);
      limit.lift();
      await product.up();
      for (const name of names) await assertPage(url, page, `${name}.example.org`);
    },
  );
});
