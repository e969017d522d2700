// Whatever is cut off, and wherever: the next `up` goes on and ends where an undisturbed one would have ended.
import assert from "node:assert/strict";
import { httpGet } from "../support/load";
import { onEachPlatform, serverSettings } from "../support/platforms";
import { Product } from "../support/product";

onEachPlatform("an up whose engine is killed", function (platform) {
  this.timeout(600_000);

  let product: Product;
  before(async function () {
    const server = await serverSettings(platform, this);
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

  const steps = [
    ["the host", "command:local:Command server"],
    ["uWSGI", `command:remote:Command base-build-uwsgi-python${platform.python}`],
    ["the release", "command:remote:Command hello-release"],
  ] as const;
  for (const [what, resource] of steps) {
    it(`while it made ${what}, leaves what the next up can go on from`, async () => {
      await killUpAt(resource);
    });
  }

  it("is followed by one that ends as if nothing had happened", async () => {
    await product.up();
    assert.deepEqual(await httpGet(product.url), { status: 200, text: "<h1 style='color:blue'>Hello There!</h1>" });
    const { output } = await product.up();
    assert.doesNotMatch(output, /\d+ (created|updated|replaced|deleted)/);
  });

  it("leaves one container, and destroy leaves none", async () => {
    assert.equal((await product.containers()).length, 1);
    await product.destroy();
    assert.deepEqual(await product.containers(), []);
  });
});
