// uWSGI from each of the places that the setting `uwsgi.from` names, on one server, which is bare at first.
import assert from "node:assert/strict";
import { sourceVersion } from "../../settings/uwsgi";
import { assertPage, assertServed } from "../support/assertions";
import { httpGet, underLoad } from "../support/load";
import { onGenuinePlatforms, serverSettings } from "../support/platforms";
import { inProof } from "../support/proof";
import { Product } from "../support/product";

/** It answers with the version of the uWSGI that runs it, and is made by a function. */
const app = `import uwsgi

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"uWSGI " + uwsgi.version]

def make():
    return application
`;

onGenuinePlatforms("uWSGI from elsewhere", function (platform) {
  this.timeout(600_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await serverSettings(platform, this);
    product = await Product.make({ server }, platform);
    await product.writeApp("hello", { "wsgi.py": app });
  });
  after(() => (product as Product | undefined)?.remove());

  const { python } = platform;
  const wheel = platform.platform.pythons[python]?.pyuwsgi;
  const settings = (from: string, version?: string, more: Record<string, unknown> = {}) => ({
    server,
    uwsgi: { from, version },
    apps: { hello: { source: "apps/hello", module: "wsgi:make()", python, ...more } },
  });
  const deployed = (from: string) => product.deployed(settings(from));
  const page = async () => (await httpGet(product.url)).text;

  /** Requests that a switch of uWSGI must not lose: it is a release, and reloads. */
  async function switchTo(from: string): Promise<void> {
    const before = await page();
    const main = await product.ssh("systemctl show --property MainPID uwsgi@hello");
    await product.configure(settings(from));
    const load = await underLoad(product.url, () => product.up());
    const after = await page();
    assertServed(load, [before, after]);
    assert.notEqual(after, before, `uWSGI should come from ${from} now`);
    assert.equal(await product.ssh("systemctl show --property MainPID uwsgi@hello"), main, "uWSGI should only reload");
    assert.equal(`uWSGI ${String((await product.outputs()).uwsgiVersion)}`, after);
  }

  /** The same uWSGI after a reload, which a request is answered in. */
  async function reload(): Promise<void> {
    const text = await page();
    const load = await underLoad(product.url, () => product.ssh("systemctl reload uwsgi; sleep 2"));
    assertServed(load, [text]);
    assert.equal(await product.ssh("systemctl show --property NRestarts uwsgi@hello | sed 's/.*=//'"), "0");
  }

  it("serves an app with a wheel, without a compiler on the server, and survives a reload", async () => {
    await deployed("wheel");
    await assertPage(product.url, `uWSGI ${String(wheel).replace(/\.post.*/, "")}`);
    assert.equal(`uWSGI ${String((await product.outputs()).uwsgiVersion)}`, await page());
    assert.equal(await product.ssh("command -v gcc cc || true"), "", "the server should have no compiler");
    await reload();
  });

  it("says which wheels there are, if there is none of a version", async () => {
    await deployed("wheel");
    const before = await page();
    await product.configure(settings("wheel", "9.9"));
    const { output } = await product.failUp();
    assert.match(
      output,
      /Error: The package index has no wheel of uWSGI 9\.9 for Python [\d.]+\. It has the versions below\.\n/,
    );
    assert.match(
      output,
      new RegExp(`\\b${String(wheel).replaceAll(".", "\\.")}\\b[^]*Fix: set uwsgi\\.version to one of them`),
    );
    assert.equal(await page(), before);
  });

  it("changes to the distribution's uWSGI and loses no request, but only to the version that it has", async () => {
    await deployed("wheel");
    await product.configure(settings("distribution", "9.9"));
    const { output } = await product.failUp();
    assert.match(output, /Error: The packages of .* have no uWSGI 9\.9\. They have 2\.0\.\d+\.\n/);
    await switchTo("distribution");
    await reload();
    const others = "systemctl list-units --all --no-legend 'uwsgi*' | awk '{print $1}' | sort";
    const ours = ["uwsgi.service", "uwsgi@hello.service", "uwsgi@hello.socket"];
    assert.equal(await product.ssh(others), ours.join("\n"), "only our units should be there");
  });

  inProof("changes to a compiled uWSGI, which the server can compile from then on, and loses no request", async () => {
    await deployed("distribution");
    await switchTo("source");
    assert.equal(await page(), `uWSGI ${sourceVersion}`);
  });

  it("stays with the uWSGI that works if an app does not start with another one", async () => {
    await deployed("wheel");
    const before = await page();
    await product.writeApp("choosy", {
      "wsgi.py": `import uwsgi\n\nif uwsgi.version != b"${before.replace("uWSGI ", "")}":\n    raise Exception("choosy")\n\n${app.replace("import uwsgi\n\n", "")}`,
    });
    await product.configure(settings("wheel", undefined, { source: "apps/choosy" }));
    await product.up();
    await product.configure(settings("distribution", undefined, { source: "apps/choosy" }));
    const load = await underLoad(product.url, async () => {
      assert.match((await product.failUp()).output, /Error: Release \S+ of app hello does not start\.[^]*choosy/);
    });
    assertServed(load, [before]);
  });
});
