// Whatever is cut off, and wherever: the next `up` goes on and ends where an undisturbed one would have ended.
import assert from "node:assert/strict";
import { assertPage, assertUnchanged } from "../support/assertions";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";

onEachPlatform("an interrupted up", function (platform) {
  this.timeout(600_000);

  let product: Product;
  before(async function () {
    // With packages alone: uWSGI is still to be compiled.
    const server = await preparedSettings(platform, this, "packages");
    product = await Product.make({ server, apps: { hello: { python: platform.python } } }, platform);
  });
  after(() => (product as Product | undefined)?.remove());

  /** Starts an up and kills the engine (SIGKILL) as soon as it says that a resource is being made. */
  async function killUpAt(resource: string): Promise<void> {
    const { child, ended } = product.start("up", "--yes", "--skip-preview", "--stack", product.stack);
    await new Promise<void>((resolve, reject) => {
      let output = "";
      child.stdout?.on("data", (chunk: string) => {
        output += chunk;
        if (!output.includes(`${resource} creating`)) return;
        child.kill("SIGKILL");
        resolve();
      });
      void ended.then(({ output: all }) => {
        reject(new Error(`up ended before it made ${resource}:\n${all}`));
      });
    });
    await ended;
    // The killed engine's lock. `npm run up` sees by itself that its owner is gone; whoever runs plain pulumi is told
    // to do this.
    await product.succeed("cancel", "--yes", product.stack);
  }

  it("continues after the engine was killed at the server, at uWSGI and at the release, and ends as if nothing had happened", async () => {
    const resources = [
      "command:local:Command server",
      "command:remote:Command base-server",
      "command:remote:Command hello-app",
    ];
    for (const resource of resources) await killUpAt(resource);
    await product.up();
    await assertPage(product.url, "<h1 style='color:blue'>Hello There!</h1>");
    assertUnchanged((await product.up()).output);
    assert.equal((await product.containers()).length, 1, "there should be one container");
    await product.destroy();
    assert.deepEqual(await product.containers(), [], "destroy should leave no container");
  });
});
