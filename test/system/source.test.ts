// The code of an app as it arrives on a server: from a folder or an archive, whole, and closed to other users.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";

const app = `import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join(sorted(os.listdir("."))).encode("utf-8")]
`;

onEachPlatform("the code of an app", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
  });
  after(() => (product as Product | undefined)?.remove());

  const place = (name: string) => join(product.projectDir, "code", name);
  const { python } = test;
  const settings = (source: string) => ({
    server,
    apps: { shop: { source, python }, other: { python, domains: ["other.example.org"] } },
  });
  /** Makes the code, and archives of it. */
  const writeCode = () => {
    const files: Record<string, [text: string, mode: number]> = {
      "wsgi.py": [app, 0o600],
      "manage.py": ["#!/usr/bin/env python\n", 0o755],
      "pkg/__init__.py": ["", 0o666],
      ".gitignore": ["local_settings.py\n", 0o644],
      "local_settings.py": ["", 0o644],
      ".env": ["PASSWORD=hunter2\n", 0o644],
      "py3/pyvenv.cfg": ["", 0o644],
    };
    for (const [name, [text, mode]] of Object.entries(files)) {
      fs.mkdirSync(join(place("shop"), name, ".."), { recursive: true });
      fs.writeFileSync(join(place("shop"), name), text);
      fs.chmodSync(join(place("shop"), name), mode);
    }
    fs.mkdirSync(join(place("shop"), "media"), { mode: 0o777 });
    execFileSync("tar", ["-czf", place("shop.tar.gz"), "-C", place(""), "--transform", "s,^shop,shop-1.0,", "shop"]);
    const zip = `import shutil, sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[1])`;
    execFileSync("python3", ["-c", zip, place("shop")]);
    execFileSync("mkfifo", [join(place("shop"), "pipe")]);
    fs.symlinkSync("/var/lib/nothing", join(place("shop"), "dangling"));
    fs.symlinkSync("pkg", join(place("shop"), "linked"));
  };
  const given = {
    /** The code is live, from a folder. Returns what `up` has printed. */
    async deployed(): Promise<string> {
      if (!fs.existsSync(place("shop"))) writeCode();
      await product.configure(settings("code/shop"));
      return (await product.up()).output;
    },
  };

  it("arrives without secrets, pipes and links, of which `up` warns, and nobody but root and the app can read it", async () => {
    const output = await given.deployed();
    const said = output.replace(/\s+/g, " ");
    for (const text of [
      'The code of app shop is packed without: "dangling" (a link to nothing) "pipe" (a named pipe)',
      'The code of app shop is packed without files that may hold secrets: ".env" Fix: use apps.shop.environment',
      '"local_settings.py" (left out because .gitignore says so)',
    ]) {
      assert.ok(said.includes(text), `up should say ${text}, and said\n${output}`);
    }
    const { text } = await httpGet(product.url);
    assert.deepEqual(
      text.split(" ").filter((name) => !/\.pyc$|^__pycache__$/.test(name)),
      [".gitignore", "linked", "manage.py", "media", "pkg", "wsgi.py"],
    );
    const folder = "/opt/apps/shop/current/app";
    const modes = await product.ssh(
      `cd ${folder} && find . ! -path '*__pycache__*' ! -name '*.pyc' -printf '%p %u:%g %m\\n' | sort`,
    );
    assert.deepEqual(modes.split("\n"), [
      ". root:shop 750",
      "./.gitignore root:shop 640",
      "./linked root:shop 750",
      "./linked/__init__.py root:shop 640",
      "./manage.py root:shop 750",
      "./media root:shop 750",
      "./pkg root:shop 750",
      "./pkg/__init__.py root:shop 640",
      "./wsgi.py root:shop 640",
    ]);
    assert.equal(await product.ssh(`find ${folder}/ ! -group shop -o -perm /o=rwx -o -perm /g=w -o -type l`), "");
    for (const path of [`${folder}/wsgi.py`, `${folder}/../uwsgi.ini`, folder]) {
      const read = `runuser -u other -- test -r ${path} && echo readable || echo closed`;
      assert.equal(await product.ssh(read), "closed", path);
    }
    assert.match(await product.ssh(`runuser -u shop -- touch ${folder}/x 2>&1 || true`), /denied/);
  });

  it("is the same in a .tar.gz and in a .zip", async () => {
    await given.deployed();
    fs.rmSync(join(place("shop"), "linked"));
    await product.up();
    await product.configure(settings("code/shop.tar.gz"));
    assertUnchanged((await product.up()).output);
    await product.configure(settings("code/shop.zip"));
    assertUnchanged((await product.preview()).output);
  });

  it("is not the whole project with the stack's secrets", async () => {
    await product.configure(settings("."));
    const { output } = await product.failUp();
    assert.match(output, /apps\.shop\.source: "\." contains this project or its secrets \(\.local\)/);
    assert.match(output, /Nothing was changed\./);
  });
});
