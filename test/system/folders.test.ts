// What an app may write to: it works as in a checkout, and the data outlives releases.
import assert from "node:assert/strict";
import { httpGet } from "../support/load";
import { onGenuinePlatforms, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";

/** Writes beside its code when it starts, and into a database with each request. */
const app = `import io, json, os, sqlite3

with io.open("data.txt", "a") as file:
    file.write(u"started\\n")
database = sqlite3.connect("instance/hits.sqlite3")
database.execute("create table if not exists hits (release text)")


def read(name):
    with io.open(name) as file:
        return file.read()


def application(environ, start_response):
    if environ["PATH_INFO"] == "/write":
        database.execute("insert into hits values (?)", (os.environ["APP_RELEASE"],))
        database.commit()
    if environ["PATH_INFO"] == "/media":
        with io.open("/srv/media/upload", "a") as file:
            file.write(u"x")
    start_response("200 OK", [("Content-Type", "application/json")])
    hits = database.execute("select count(*), count(distinct release) from hits").fetchone()
    answer = {"hits": hits, "shipped": read("instance/shipped.txt"), "started": "started" in read("data.txt")}
    return [json.dumps(answer, sort_keys=True).encode("ascii")]
`;

onGenuinePlatforms("what an app may write to", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
  });
  after(() => (product as Product | undefined)?.remove());

  const configure = async (shipped: string, settings: object) => {
    const source = await product.writeApp("writer", { "wsgi.py": app, "instance/shipped.txt": shipped });
    // One process, so that all requests see the same database.
    await product.configure({ server, apps: { hello: { source, python: test.python, processes: 1, ...settings } } });
  };
  const get = async (path = "") => (await httpGet(product.url + path)).text;
  const kept = { folders: ["instance"], files: ["data.txt"] };

  it("is nothing of its code by default, and the error says which setting changes that", async () => {
    await configure("first", {});
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app hello does not start\. No release is live yet\./);
    assert.match(output, /(Read-only file system|Permission denied): 'data\.txt'/);
    assert.match(
      output,
      /Fix: list "data\.txt" in apps\.hello\.files, or in apps\.hello\.folders if it is a folder, so that the app may write there, then deploy again\./,
    );
  });

  it("is kept across releases, with what the first release has brought", async () => {
    await configure("first", kept);
    await product.up();
    assert.equal(await get("write"), '{"hits": [1, 1], "shipped": "first", "started": true}');
    await configure("second", { ...kept, readWritePaths: ["/srv/media"] });
    await product.ssh("install -d -o hello -g hello /srv/media");
    await product.up();
    assert.equal(await get("write"), '{"hits": [2, 2], "shipped": "first", "started": true}');
    await get("media");
    assert.equal(await product.ssh("cat /srv/media/upload"), "x");
    assert.equal(
      await product.ssh(
        "cd /opt/apps/hello; readlink current/app/instance current/app/data.txt; stat --format '%a %U %n' shared/*",
      ),
      "/opt/apps/hello/shared/instance\n/opt/apps/hello/shared/data.txt\n640 hello shared/data.txt\n750 hello shared/instance",
    );
  });
});
