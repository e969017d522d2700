// A firewall that lets a user begin few SSH connections, as many servers have one, does not stop a deployment.
import assert from "node:assert/strict";
import { assertPage, assertUnchanged } from "../support/assertions";
import { preparedSettings, testPlatforms } from "../support/platforms";
import { Product } from "../support/product";
import { SshLimit } from "../support/sshLimit";
import { TestServer } from "../support/testServer";

describe("a server that rejects the sixth SSH connection within 30 seconds", function () {
  this.timeout(300_000);

  let product: Product;
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
    const server = await TestServer.startWith(test, settings, []);
    const { hostKey, privateKey } = server.connection;
    limit = await SshLimit.before(server.connection.port);
    product = await Product.make();
    await product.configure({
      server: { kind: "ssh", address: "127.0.0.1", port: limit.port, hostKey, privateKey, httpPort: server.port(80) },
    });
    await product.up();
    await assertPage(`http://127.0.0.1:${server.port(80)}/`, "<h1 style='color:blue'>Hello There!</h1>");
    assert.deepEqual({ begun: limit.begun, rejected: limit.rejected }, { begun: 5, rejected: 0 });
    assertUnchanged((await product.up()).output);
    assert.deepEqual({ begun: limit.begun, rejected: limit.rejected }, { begun: 5, rejected: 0 });
  });
});
