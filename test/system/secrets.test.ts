// An app's secrets: they reach the app as they are, and nobody else.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onGenuinePlatforms, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";

const run = promisify(execFile);

/** Shows its secrets in hexadecimal. Does not start if one was changed on its way, or with a token that was revoked. */
const app = `import binascii, json, os

environment = getattr(os, "environb", os.environ)
secrets = dict(
    (name.decode("ascii"), binascii.hexlify(value).decode("ascii"))
    for name, value in environment.items()
    if name.startswith(b"S_")
)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")) as file:
    expected = json.load(file)
for name in secrets:
    if secrets[name] != expected.get(name, secrets[name]):
        raise SystemExit(name + " was changed on its way")
if environment.get(b"S_TOKEN", b"").startswith(b"revoked"):
    raise SystemExit("the token was revoked")


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(secrets).encode("ascii")]
`;

/** What systemd, the shell or uWSGI might take for its own syntax. */
const awkward = {
  S_QUOTES: `it's "quoted" \`id\` $HOME $(id) \${HOME} \\ \\n \\" %n %h $(S_TOKEN) @(/etc/passwd) # ; !`,
  S_LINES: "-----BEGIN-----\n\n\tindented\nS_TOKEN=other\n# end of\n",
  S_UNICODE: "Grüße 🔑",
  S_DASH: "--version",
  S_BLANKS: "  two  ",
  S_EMPTY: "",
  S_NUMBER: "0042",
  S_LONG: "x".repeat(100 * 1024),
};
const token = "marker-4f1c9a";

onGenuinePlatforms("the secrets of an app", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  let source: string;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    const hex = Object.entries(awkward).map(([name, value]) => [name, Buffer.from(value).toString("hex")]);
    const expected = JSON.stringify(Object.fromEntries(hex));
    source = await product.writeApp("secretive", { "wsgi.py": app, "expected.json": expected });
  });
  after(() => (product as Product | undefined)?.remove());

  const configure = async (secrets: Record<string, string>, secretToken?: string) => {
    await product.configure({ server, apps: { hello: { source, python: test.python, secrets } } });
    if (secretToken === undefined) return;
    await product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:apps.hello.secrets.S_TOKEN", secretToken);
  };
  const seenByTheApp = async () => {
    const hex = JSON.parse((await httpGet(product.url)).text) as Record<string, string>;
    return Object.fromEntries(Object.entries(hex).map(([name, it]) => [name, Buffer.from(it, "hex").toString()]));
  };
  const given = {
    async deployed(): Promise<void> {
      if (product.isLive) return;
      await configure(awkward, token);
      await product.up();
    },
  };

  it("reach the app byte for byte, also while a release is tried", async () => {
    await given.deployed();
    assert.deepEqual(await seenByTheApp(), { ...awkward, S_TOKEN: token });
    assertUnchanged((await product.up()).output);
  });

  it("are nowhere to be seen, on your computer or on the server, while they are deployed or afterwards", async () => {
    await given.deployed();
    await configure(awkward, `${token}-second`);
    const preview = await product.preview("--diff", "--show-config");
    assert.match(preview.output, /~ stdin: \[secret\] => \[secret\]/);
    assert.match(preview.output, /~ secrets +: "S_BLANKS .* S_UNICODE \(\w{8}\)" => "S_BLANKS .* \(\w{8}\)"/);
    const { ended } = product.start(
      "up",
      "--yes",
      "--diff",
      "--show-config",
      "--verbose=3",
      "--logtostderr",
      "--stack",
      product.stack,
    );
    let samples = 0;
    const sample = async () => {
      // The processes in the container are among those of this computer.
      const { stdout } = await run("ps", ["-e", "-o", "args"], { maxBuffer: 1e8 });
      assert.ok(!stdout.includes(token), "no command line may contain a secret");
      samples++;
      return false;
    };
    const isOver = ended.then(() => true);
    while (!(await Promise.race([sample(), isOver])));
    assert.ok(samples > 10, `only ${samples} samples were taken`);
    const { code, output } = await ended;
    assert.equal(code, 0, output);
    for (const text of [preview.output, output, await product.exportText()]) {
      assert.ok(!text.includes(token), "neither output nor state may contain a secret");
    }
    const state = await readFile(join(product.projectDir, ".local/state/.pulumi/stacks/uwsgi-nginx/test.json"), "utf8");
    assert.ok(!state.includes(token), "the state file may not contain a secret");
    assert.equal(
      await product.ssh(
        `grep --recursive --files-with-matches --fixed-strings ${token} /etc /opt /run /tmp /var 2> /dev/null | xargs stat --format '%A %U' | sort -u`,
      ),
      "-rw------- root",
      "files with secrets should be root's alone",
    );
    assert.equal(await product.ssh(`journalctl --no-pager | grep --count ${token} || true`), "0");
    assert.equal((await seenByTheApp()).S_TOKEN, `${token}-second`);
  });

  it("are those from before again when the app does not start with new ones", async () => {
    await given.deployed();
    const before = await seenByTheApp();
    await configure(awkward, "revoked-marker");
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app hello does not start\. Release \w{12} stays live\./);
    assert.match(output, /the token was revoked/);
    assert.ok(!output.includes("revoked-marker"), "an error may not contain a secret");
    await product.ssh("systemctl restart uwsgi@hello");
    assert.deepEqual(await seenByTheApp(), before);
  });

  it("are refused in settings that the program would show", async () => {
    await given.deployed();
    await configure(awkward, token);
    await product.succeed(
      "config",
      "set",
      "--secret",
      "--path",
      "uwsgi-nginx:server.pipIndex",
      "https://marker.invalid",
    );
    const { output } = await product.failUp();
    assert.match(
      output,
      /A setting is wrong\. Nothing was changed\.\s+server\.pipIndex: set as a secret, but it is not kept secret\./,
    );
    assert.ok(!output.includes("marker.invalid"), "an error may not contain a secret");
    await configure(awkward, token);
  });

  it("are not kept when they are incomplete, and are sent again when they are gone from the server", async () => {
    await given.deployed();
    const file = "/var/lib/uwsgi-nginx/secrets/hello";
    const before = await product.ssh(`sha256sum ${file}`);
    assert.match(
      await product.ssh(
        `printf '# x\\nA="b"\\n' | bash /var/lib/uwsgi-nginx/keep-secrets hello up 2>&1 || echo refused`,
      ),
      /^Error: The secrets of app hello are not complete: .* Nothing was changed\.\nFix: deploy again\.\nrefused$/,
    );
    assert.equal(await product.ssh(`sha256sum ${file}; ls ${file}*`), `${before}\n${file}`);
    await configure({ S_ONLY: "1" });
    await product.up();
    await product.ssh(`rm ${file}`);
    await product.writeApp("secretive", { "wsgi.py": `${app}\n# changed\n` });
    assert.match((await product.failUp()).output, /The secrets of app hello are not on the server anymore \(.*\)\./);
    assert.deepEqual(await seenByTheApp(), { S_ONLY: "1" });
    await configure({ S_ONLY: "2" });
    await product.up();
    assert.deepEqual(await seenByTheApp(), { S_ONLY: "2" });
  });

  it("leave the server when they leave the settings", async () => {
    await given.deployed();
    await configure({});
    await product.up();
    assert.deepEqual(await seenByTheApp(), {});
    assert.equal(await product.ssh("ls /var/lib/uwsgi-nginx/secrets"), "");
    assert.equal(await product.ssh("systemctl show --property EnvironmentFiles --value uwsgi@hello || true"), "");
  });
});
