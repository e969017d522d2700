// What an app needs: files that name others, projects, a private index, and what an error says.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { SecretSearch, talkative } from "../support/secretSearch";

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString("base64");

/** A wheel with one module. */
function wheel(name: string, module: string): Uint8Array {
  const info = `${name}-1.0.dist-info`;
  const files = {
    [`${name}.py`]: module,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n",
    [`${info}/RECORD`]: `${name}.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  };
  return zipSync(Object.fromEntries(Object.entries(files).map(([file, text]) => [file, strToU8(text)])));
}

/** Says what can be imported, and from which version. */
const app = `import importlib, json

def version(name):
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    return getattr(module, "__version__", "there")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    names = ["six", "idna", "own", "shop", "hidden", "portal"]
    return [json.dumps(dict((name, version(name)) for name in names)).encode("ascii")]
`;

/** A package index on the server that wants a password, with one package. */
const index = (token: string) => `import base64
try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

wheel = base64.b64decode("${base64(wheel("hidden", '__version__ = "1.0"\n'))}")

class Index(BaseHTTPRequestHandler):
    def do_GET(self):
        isAllowed = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:${token}").decode("ascii")
        self.send_response((200 if "hidden" in self.path else 404) if isAllowed else 401)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if isAllowed:
            self.wfile.write(wheel if self.path.endswith("whl") else b'<a href="hidden-1.0-py2.py3-none-any.whl">hidden-1.0-py2.py3-none-any.whl</a>')

HTTPServer(("127.0.0.1", 9418), Index).serve_forever()
`;
const indexUrl = (user = "") => `http://${user}127.0.0.1:9418/simple`;

onEachPlatform("the requirements of an app", function (test) {
  this.timeout(600_000);

  let product: Product;
  let server: Record<string, unknown>;
  const token = `marker/${randomBytes(8).toString("hex")}~`;
  const { python } = test;
  const { pyuwsgi = "" } = (test.platform.pythons as Record<string, { pyuwsgi: string } | undefined>)[python] ?? {};
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
  });
  after(() => (product as Product | undefined)?.remove());

  const write = (name: string, files: Readonly<Record<string, string | Uint8Array>>) => {
    for (const [file, content] of Object.entries(files)) {
      const place = join(product.projectDir, "code", name, file);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, content);
    }
    return { source: `code/${name}`, python };
  };
  const page = async (host = "localhost") =>
    JSON.parse((await httpGet(product.url, { host })).text) as Record<string, string | null>;
  const shop = () =>
    write("shop", {
      "wsgi.py": app,
      // pip must not take it for Python's own.
      "optparse.py": "raise Exception('the app\\'s own module')\n",
      // For the pip of Python 2.7, constraints come first.
      "requirements/production.txt": "-c constraints.txt\n-r base.txt\n-e .\n./libs/own-1.0-py2.py3-none-any.whl\n",
      "requirements/base.txt": `six\npyuwsgi==${pyuwsgi}\n`,
      "requirements/constraints.txt": "six==1.16.0\n",
      "libs/own-1.0-py2.py3-none-any.whl": wheel("own", '__version__ = "1.0"\n'),
      "setup.py": `from setuptools import setup\nsetup(name="shop", version="1", packages=["shop"], package_dir={"": "src"})\n`,
      "src/shop/__init__.py":
        "import io, os\n__version__ = io.open(os.path.join(os.path.dirname(__file__), 'data.txt')).read()\n",
      "src/shop/data.txt": "from data",
    });
  /** Not for Python 2.7, whose tools do not know it. */
  const portal = () =>
    test.isFake
      ? {}
      : {
          portal: {
            ...write("portal", {
              "wsgi.py": app,
              "pyproject.toml":
                '[build-system]\nrequires = ["setuptools>=61"]\n[project]\nname = "portal"\nversion = "1"\n' +
                '[project.optional-dependencies]\nnames = ["idna==2.10"]\nall = ["portal[names]"]\n[tool.setuptools]\npackages = ["portal"]\n',
              "portal/__init__.py": '__version__ = "1"\n',
            }),
            extras: ["all"],
            domains: ["portal.test"],
          },
        };
  const first = () => ({ hello: { ...shop(), requirements: "requirements/production.txt" }, ...portal() });
  const given = {
    async deployed(): Promise<void> {
      if (product.isLive) return;
      await product.configure({ server, apps: first() });
      await product.up();
    },
    async index(): Promise<void> {
      await given.deployed();
      const start = `systemd-run --unit test-index ${python === "2.7" ? "python2.7" : "python3"} /root/index.py`;
      await product.exec(`systemctl is-active --quiet test-index && exit
        echo ${base64(index(token))} | base64 -d > /root/index.py; chmod 600 /root/index.py; ${start}`);
    },
  };
  const seen = { six: "1.16.0", idna: null, own: "1.0", shop: "from data", hidden: null, portal: null };

  it("may name other files, folders and packages of its code, or be a project with extras", async () => {
    await given.deployed();
    assert.deepEqual(await page(), seen);
    if (!test.isFake) {
      const none = { six: null, own: null, shop: null, hidden: null };
      assert.deepEqual(await page("portal.test"), { ...none, idna: "2.10", portal: "1" });
      assert.equal(await product.ssh("ls -d /opt/apps/portal/venvs/*/code 2> /dev/null || echo none"), "none");
    }
    assert.equal((await product.outputs()).uwsgiVersion, pyuwsgi.replace(/\.post.*/, ""));
    assert.equal(await product.ssh("find /opt/apps/*/venvs ! -user root | head"), "", "all of it should be root's");
    assertUnchanged((await product.up()).output);
  });

  it("come from a private index whose password nobody sees, and follow a change of any of their files", async () => {
    await given.index();
    const apps = first();
    write("shop", { "requirements/base.txt": `six\npyuwsgi==${pyuwsgi}\nidna==2.10\nhidden\n` });
    const pip = { extraIndexes: [indexUrl("me:${TOKEN}@")], secrets: { TOKEN: token } };
    await product.configure({ server, apps: { ...apps, hello: { ...apps.hello, pip } } });
    await product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:apps.hello.pip.secrets.TOKEN", token);
    const search = new SecretSearch(product);
    search.remember("the preview", (await search.during(product.preview(...talkative))).output);
    const { code, output } = await search.during(
      product.start("up", "--yes", ...talkative, "--stack", product.stack).ended,
    );
    assert.equal(code, 0, output);
    search.remember("the update", output);
    assert.match(output, /\+ \.\/requirements|~ \.\/requirements\/base\.txt/);
    assert.deepEqual(await page(), { ...seen, idna: "2.10", hidden: "1.0" });
    await search.assertHidden([token.slice(7, -1)], {
      files: [],
      // The second is the index itself.
      onServer: [/^600 root \/var\/lib\/uwsgi-nginx\/secrets\/hello\.pip$/, /^600 root \/root\/index\.py$/],
    });
  });

  it("that cannot be installed are reported with what to do, without the secrets of pip", async () => {
    await given.index();
    const failing = (name: string, requirements: string, more: Record<string, unknown> = {}, files = {}) => ({
      [name]: {
        ...write(name, { "wsgi.py": app, "requirements.txt": requirements, ...files }),
        domains: [`${name}.test`],
        ...more,
      },
    });
    const extension =
      "from setuptools import setup, Extension\nsetup(name='c', ext_modules=[Extension('c', ['c.c'])])\n";
    const c = { "c/setup.py": extension, "c/c.c": "#include <libpq-fe.h>\n" };
    await product.configure({
      server,
      apps: {
        ...failing("version", "six==99\n"),
        ...failing("hash", `six==1.16.0 --hash=sha256:${"0".repeat(64)}\n`),
        ...failing("index", "six\n", { pip: { index: "http://127.0.0.1:9/simple" } }),
        ...failing("password", "hidden\n", { pip: { index: indexUrl() } }),
        ...failing("wrong", "hidden\n${TOKEN}\n", {
          pip: { index: indexUrl("me:${TOKEN}@"), secrets: { TOKEN: token } },
        }),
        ...failing("header", "./c\n", {}, c),
      },
    });
    await product.succeed(
      "config",
      "set",
      "--secret",
      "--path",
      "uwsgi-nginx:apps.wrong.pip.secrets.TOKEN",
      `${token}x`,
    );
    const { output } = await product.failUp();
    const libpq = test.isFake ? "postgresql-devel" : "libpq-dev";
    for (const expected of [
      /requirement six==99 .*\(from versions: …, .*\)[^]*?Fix: choose one of these versions: they are those for Python/,
      /DO NOT MATCH THE HASHES[^]*?six==1\.16\.0[^]*?Fix: find out why the package index has another file/,
      /Fix: make sure that the server reaches 127\.0\.0\.1 \(curl\), or set apps\.index\.pip\.index/,
      /Fix: correct the name of the requirement\. If it .* apps\.password\.pip\.index; if that wants a password, write it there as \$\{NAME\}/,
      new RegExp(`libpq-fe\\.h[^]*?Fix: add these packages to apps\\.header\\.packages: \\[${libpq}\\]`),
    ]) {
      assert.match(output, expected);
    }
    assert.match(output, /\[secret\]/, "pip's error shows what it cannot read");
    assert.ok(!output.includes(token.slice(7, -1)), "an error may not contain a secret");
  });
});
