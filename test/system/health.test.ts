// What real apps need of their health check and of nginx: a Host header that they allow, a path that they have, static files.
import assert from "node:assert/strict";
import { request } from "node:http";
import { type Answer, httpGet } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { waitFor } from "../support/waitFor";

/** Made by a function, allows some hosts only, has no page at /, and a thread of its own. */
const shop = `import json, threading, time

ticks = []


def tick():
    while True:
        ticks.append(1)
        time.sleep(0.01)


def create_app():
    def application(environ, start_response):
        def answer(status, text):
            start_response(status, [("Content-Type", "text/html")])
            return [text.encode("utf-8")]

        if environ["HTTP_HOST"].split(":")[0] != "127.0.0.1":
            return answer("400 Bad Request", u"<h1>Bad Request</h1>")
        path = environ["PATH_INFO"]
        if path == "/up":
            return answer("200 OK", u"up")
        if path == "/private":
            return answer("401 Unauthorized", u"log in")
        if path == "/ticks":
            if not ticks:
                thread = threading.Thread(target=tick)
                thread.daemon = True
                thread.start()
            return answer("200 OK", u"%d" % len(ticks))
        if path == "/echo":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("ascii")
            names = ("HTTP_HOST", "HTTP_TRANSFER_ENCODING", "HTTP_X_LONG")
            seen = dict((name, environ[name]) for name in names if name in environ)
            return answer("200 OK", u"" + json.dumps(dict(seen, body=body)))
        page = u"<title>404</title><style>h1 { color: red }</style><h1>Page not\\n found</h1><p>It&#x27;s &lt;gone&gt;</p>"
        return answer("404 Not Found", page)

    return application
`;

onEachPlatform("an app with rules of its own", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    await product.writeApp("shop", {
      ...{ "shop.py": shop, "staticfiles/site.css": "old", "staticfiles/js/a b.js": "script" },
      ...{ "staticfiles/.hidden": "hidden", "staticfiles/.git/config": "hidden", "web/img/logo.svg": "<svg/>" },
    });
  });
  after(() => (product as Product | undefined)?.remove());

  const { python } = test;
  const base = { source: "apps/shop", python, module: "shop:create_app()", processes: 1 };
  const staticFolders = { "/static/": "staticfiles", "/img/": "web/img" };
  const settings = (more: Record<string, unknown> = {}) => ({
    server,
    apps: { shop: { ...base, static: staticFolders, healthCheck: { path: "/up" }, ...more } },
  });
  const get = (path: string, headers?: Record<string, string>) => httpGet(new URL(path, product.url).href, headers);
  const host = () => `127.0.0.1:${product.httpPort}`;

  it("is asked by the address that visitors use, and an error says what it answered and which setting to change", async () => {
    await product.configure(settings({ healthCheck: {} }));
    const { output } = await product.failUp();
    const said = [
      "answered with status 404. No release is live yet.",
      `Request: GET /, Host: ${host()}`,
      "Answer: 404",
      "  Page not",
      "  found",
      "  It's <gone>",
      "Last lines of the app's log:",
    ];
    const place = said.map((line) => output.indexOf(line));
    assert.ok(!place.includes(-1) && place.every((it, index) => it >= (place[index - 1] ?? 0)), output);
    assert.match(output, /Fix: set apps\.shop\.healthCheck\.path to a page that the app has, then deploy again\./);
    assert.doesNotMatch(output, /color: red/, "a style is no text");
  });

  it("is live with the path of a page that it has, and the outputs say what is asked", async () => {
    await product.deployed(settings());
    const { apps } = (await product.outputs()) as { apps: Record<string, { healthCheck?: unknown }> };
    assert.deepEqual(apps.shop?.healthCheck, { path: "/up", host: host() });
  });

  it("gets the host with its port, long headers, bodies of unknown length, time zones, and its threads run", async () => {
    await product.deployed(settings());
    const long = "x".repeat(6 * 1024);
    const seen = JSON.parse((await get("/echo", { "X-Long": long })).text) as unknown;
    assert.deepEqual(seen, { HTTP_HOST: host(), HTTP_X_LONG: long, body: "" });
    const chunked = JSON.parse((await postInChunks(new URL("/echo", product.url), ["one ", "two"])).text) as unknown;
    assert.deepEqual(chunked, { HTTP_HOST: host(), body: "one two" });
    const zone = "import zoneinfo; zoneinfo.ZoneInfo('Europe/Vienna')";
    if (python === "3") await product.ssh(`/opt/apps/shop/current/venv/bin/python -c "${zone}"`);
    let ticks = 0;
    // Between two requests: during one it also runs without enable-threads.
    await waitFor("the thread to run", async () => {
      const before = ticks;
      ticks = Number((await get("/ticks")).text);
      return before > 0 && ticks > before + 3;
    });
  });

  it("has static files served by nginx, and nobody else can read its code", async () => {
    await product.deployed(settings());
    const text = async (path: string) => (await get(path)).text;
    assert.deepEqual(
      [await text("/static/site.css"), await text("/static/js/a%20b.js"), await text("/img/logo.svg")],
      ["old", "script", "<svg/>"],
    );
    assert.match((await get("/static/nothere")).text, /nginx/, "nginx should answer, not the app");
    for (const path of ["/static/.hidden", "/static/.git/config", "/static/../shop.py", "/static/", "/static/js/"]) {
      const { status } = await get(path);
      assert.ok([403, 404].includes(status), `${path} has status ${status}`);
    }
    await product.ssh("id stranger > /dev/null 2>&1 || useradd --system stranger");
    const live = "/opt/apps/shop/current";
    const refused = [
      ...[`cat ${live}/app/shop.py`, `cat ${live}/uwsgi.ini`, `cat ${live}/made-of`, `cat ${live}/reload`],
      ...["ls /opt/apps/shop/releases", `ls ${live}/`, `ls ${live}/static`, `touch ${live}/static/img/new`],
    ];
    const worked = await product.ssh(
      ["stranger", test.platform.nginx.user]
        .flatMap((who) => [...refused, `cat ${live}/static/img/logo.svg`].map((it) => `runuser -u ${who} -- ${it}`))
        .map((command) => `${command} > /dev/null 2>&1 && echo '${command}'`)
        .join("; ") + "; true",
    );
    assert.deepEqual(
      worked.split("\n"),
      ["stranger", test.platform.nginx.user].map((who) => `runuser -u ${who} -- cat ${live}/static/img/logo.svg`),
    );
    assert.equal(
      await product.ssh(`cd ${live}; stat --format '%n %U:%G %a' . app static static/* uwsgi.ini made-of reload`),
      [
        ...[". root:shop 751", "app root:shop 750", "static root:root 751"],
        ...["static/img root:root 751", "static/static root:root 751"],
        ...["uwsgi.ini root:shop 640", "made-of root:shop 640", "reload root:shop 750"],
      ].join("\n"),
    );
  });

  it("keeps its old static files when a release with a host that it refuses fails", async () => {
    await product.deployed(settings());
    await product.writeApp("shop", { "staticfiles/site.css": "new" });
    await product.configure(settings({ healthCheck: { path: "/up", host: "other.example.org" } }));
    const { output } = await product.failUp();
    assert.match(output, /answered with status 400\. Release \w{12} stays live\./);
    assert.match(output, /Request: GET \/up, Host: other\.example\.org\n +Answer: 400\n +Bad Request\n/);
    assert.match(
      output,
      /Fix: add other\.example\.org to the app's allowed hosts \(ALLOWED_HOSTS in Django\), or set apps\.shop\.healthCheck\.host to a name that it allows/,
    );
    assert.equal((await get("/static/site.css")).text, "old");
    await product.deployed(settings({ healthCheck: { path: "/private", status: 401 } }));
    assert.equal((await get("/static/site.css")).text, "new");
  });

  it("is told what to change when it cannot start, or has no such folder", async () => {
    await product.deployed(settings());
    const import_ = (module: string) => `import ${module}\n\n\ndef application(environ, start_response): pass\n`;
    await product.writeApp("flask", { "wsgi.py": import_("flask") });
    await product.writeApp("nested", { "src/wsgi.py": import_("os"), "requirements.txt": "" });
    await product.writeApp("other", { "wsgi.py": import_("os") });
    const app = (name: string, source: string, more = {}) => ({
      [name]: { source: `apps/${source}`, python, domains: [`${name}.example.org`], ...more },
    });
    await product.configure({
      server,
      apps: {
        ...settings().apps,
        ...app("flask", "flask"),
        ...app("nested", "nested"),
        ...app("callable", "other", { module: "wsgi:app" }),
        ...app("folder", "other", { static: { "/static/": "nothere" } }),
      },
    });
    const { output } = await product.failUp();
    for (const text of [
      "Fix: add the package with the module flask to the app's requirements (requirements.txt), then deploy again.",
      "Fix: set apps.nested.environment.PYTHONPATH to src, the folder with the module wsgi, then",
      "Fix: set apps.callable.module (wsgi:app) to the name of the WSGI callable in that module, for Django PROJECT.wsgi",
      "of app folder has no folder nothere, which apps.folder.static names.",
    ])
      assert.ok(output.includes(text), `the output should have\n${text}\nand is\n${output}`);
    assert.equal((await get("/up")).text, "up");
    // Done as it says. A release is tried with its own code, and keeps it when it goes live.
    const nested = (text: string) =>
      product.writeApp("nested", {
        "src/wsgi.py": `def application(environ, start_response):\n    start_response("200 OK", [])\n    return [b"${text}"]\n`,
      });
    await product.configure({
      server,
      apps: { ...settings().apps, ...app("nested", "nested", { environment: { PYTHONPATH: "src" } }) },
    });
    for (const text of ["first", "second"]) {
      await nested(text);
      await product.up();
      assert.equal((await httpGet(product.url, { host: "nested.example.org" })).text, text);
    }
  });
});

/** A request whose length the client does not say. */
function postInChunks(url: URL, parts: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const post = request(url, { method: "POST", agent: false, timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    post.on("error", reject);
    for (const part of parts) post.write(part);
    post.end();
  });
}
