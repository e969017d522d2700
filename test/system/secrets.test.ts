// An app's secrets: they reach the app as they are, and nobody else.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onGenuinePlatforms, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { SecretSearch, talkative } from "../support/secretSearch";

/** Shows its variables in hexadecimal. Does not start if one was changed on its way, or with a token that was revoked. */
const app = `import binascii, json, os

environment = getattr(os, "environb", os.environ)
secrets = dict(
    (name.decode("ascii"), binascii.hexlify(value).decode("ascii"))
    for name, value in environment.items()
    if name.startswith((b"S_", b"P_", b"APP_"))
)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")) as file:
    expected = json.load(file)
for name in secrets:
    if secrets[name] != expected.get(name, secrets[name]):
        raise SystemExit(name + " was changed on its way")
if environment.get(b"S_TOKEN", b"").startswith(b"revoked"):
    raise SystemExit("the token was revoked: " + environment[b"S_TOKEN"].decode("ascii"))


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
/** The same as plain variables, but for the long one: the engine passes at most 128 KB of settings to a program. */
const plain = {
  ...Object.fromEntries(Object.entries(awkward).map(([name, value]) => [name.replace("S_", "P_"), value])),
  P_LONG: "y".repeat(10 * 1024),
};
const marker = `marker-${randomBytes(8).toString("hex")}`;
const token = `${marker}-first`;

onGenuinePlatforms("the secrets of an app", function (test) {
  this.timeout(300_000);

  let product: Product;
  let server: Record<string, unknown>;
  let source: string;
  let search: SecretSearch;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    search = new SecretSearch(product);
    const hex = Object.entries({ ...awkward, ...plain }).map(([name, value]) => [
      name,
      Buffer.from(value).toString("hex"),
    ]);
    const expected = JSON.stringify(Object.fromEntries(hex));
    source = await product.writeApp("secretive", { "wsgi.py": app, "expected.json": expected });
  });
  after(() => (product as Product | undefined)?.remove());

  const configure = async (secrets: Record<string, unknown>, secretToken?: string, environment: object = {}) => {
    await product.configure({ server, apps: { hello: { source, python: test.python, environment, secrets } } });
    if (secretToken === undefined) return;
    await product.succeed("config", "set", "--secret", "--path", "uwsgi-nginx:apps.hello.secrets.S_TOKEN", secretToken);
  };
  const withGenerated = { ...awkward, S_GENERATED: { generate: true }, S_SHORT: { generate: 20 } };
  const variables = async (prefix: string) => {
    const hex = JSON.parse((await httpGet(product.url)).text) as Record<string, string>;
    const seen = Object.entries(hex).filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(seen.map(([name, it]) => [name, Buffer.from(it, "hex").toString()]));
  };
  const generated: Record<string, string | undefined> = {};
  const seenByTheApp = async () => {
    const { S_GENERATED, S_SHORT, ...others } = await variables("S_");
    Object.assign(generated, { S_GENERATED, S_SHORT });
    return others;
  };
  const given = {
    async deployed(): Promise<void> {
      if (product.isLive) return;
      await configure(withGenerated, token, { ...plain, P_YES: true, P_THREE: 3 });
      // What is generated is made here, so this run has most to hide.
      const { output } = await search.during(product.up(...talkative));
      search.remember("the first update", output);
      await seenByTheApp();
    },
  };

  it("reach the app byte for byte, also while a release is tried", async () => {
    await given.deployed();
    assert.deepEqual(await seenByTheApp(), { ...awkward, S_TOKEN: token });
    assert.deepEqual(await variables("P_"), { ...plain, P_YES: "true", P_THREE: "3" });
    assert.match(generated.S_GENERATED ?? "", /^[A-Za-z0-9]{64}$/);
    assert.match(generated.S_SHORT ?? "", /^[A-Za-z0-9]{20}$/);
    const before = { ...generated };
    assertUnchanged((await product.up()).output);
    await seenByTheApp();
    assert.deepEqual(generated, before, "a generated secret should stay the same");
  });

  it("come with the app's name, its folder and its release, which a reload brings too", async () => {
    await given.deployed();
    const release = async () => ((await product.outputs()).apps as { hello: { release: string } }).hello.release;
    const process = () => product.ssh("systemctl show --property MainPID uwsgi@hello");
    const before = [await release(), await process()];
    await product.writeApp("secretive", { "wsgi.py": `${app}\n# reloaded\n` });
    await product.up();
    assert.notEqual(await release(), before[0]);
    assert.equal(await process(), before[1], "the app should be reloaded, not restarted");
    assert.deepEqual(await variables("APP_"), {
      APP_NAME: "hello",
      APP_DATA: "/opt/apps/hello/shared",
      APP_RELEASE: await release(),
    });
    await product.ssh("systemctl restart uwsgi@hello");
    assert.equal((await variables("APP_")).APP_RELEASE, await release());
  });

  it("are nowhere to be seen, on your computer or on the server, while they are deployed or afterwards", async () => {
    await given.deployed();
    await configure(withGenerated, `${token}-second`, plain);
    const preview = await product.preview(...talkative);
    search.remember("the preview", preview.output);
    assert.match(preview.output, /~ stdin: \[secret\] => \[secret\]/);
    assert.match(preview.output, /~ secrets +: "S_BLANKS .* S_UNICODE \(\w{8}\)" => "S_BLANKS .* \(\w{8}\)"/);
    assert.match(preview.output, /- P_YES="true"/, "a preview should show plain variables");
    const { output } = await search.during(product.up(...talkative));
    search.remember("the update", output);
    await seenByTheApp();
    await configure(withGenerated, `revoked-${marker}`, plain);
    const failed = await search.during(product.failUp(...talkative));
    search.remember("the update that failed", failed.output);
    assert.match(failed.output, /the token was revoked: \[secret\]/);
    // What the app itself has printed is in the journal. The search is not for that.
    await product.exec(
      "journalctl --rotate; journalctl --vacuum-time=1s; rm -rf /run/log/journal/*/*@* /var/log/journal/*/*@*",
    );
    const key = await readFile(join(product.projectDir, ".local/servers/test/id_ed25519"), "utf8");
    const [, ...keyLines] = key.trim().split("\n");
    const values = [generated.S_GENERATED, generated.S_SHORT].map(
      (it) => it ?? assert.fail("a generated secret is missing"),
    );
    await search.assertHidden([marker, ...values], {
      files: [],
      onServer: [
        /^600 root \/var\/lib\/uwsgi-nginx\/secrets\/hello$/,
        /^600 root \/opt\/apps\/hello\/releases\/[0-9a-f]{12}\/secrets$/,
      ],
    });
    await search.assertHidden(keyLines.slice(2, -2), { files: ["600 servers/test/id_ed25519"], onServer: [] });
    const state = await readFile(join(product.projectDir, ".local/state/.pulumi/stacks/uwsgi-nginx/test.json"), "utf8");
    assert.ok(!state.includes(token), "the state file may not contain a secret");
    assert.equal((await seenByTheApp()).S_TOKEN, `${token}-second`);
  });

  it("are those from before again when the app does not start with new ones", async () => {
    await given.deployed();
    const before = await seenByTheApp();
    await configure(withGenerated, "revoked-marker", plain);
    const { output } = await product.failUp();
    assert.match(output, /Release \w{12} of app hello does not start\. Release \w{12} stays live\./);
    assert.match(output, /the token was revoked/);
    assert.ok(!output.includes("revoked-marker"), "an error may not contain a secret");
    await product.ssh("systemctl restart uwsgi@hello");
    assert.deepEqual(await seenByTheApp(), before);
  });

  it("are refused in settings that the program would show", async () => {
    await given.deployed();
    await configure(withGenerated, token);
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
    await configure(withGenerated, token);
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
    assert.equal(
      await product.ssh("systemctl show --property EnvironmentFiles --value uwsgi@hello"),
      "/opt/apps/hello/current/id (ignore_errors=no)",
    );
  });
});
