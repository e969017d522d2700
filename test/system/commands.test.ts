// Commands of an app: what they may do, what they leave, and `npm run exec`. Each scenario goes on from the one before.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { assertUnchanged } from "../support/assertions";
import { httpGet } from "../support/load";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { Product } from "../support/product";
import { root } from "../support/root";
import { waitFor } from "../support/waitFor";

/** Shows what commands have left in its code and its data, and whether it can change its code. */
const app = `import json, os

def text(*path):
    try:
        with open(os.path.join(*path)) as file:
            return file.read()
    except IOError as error:
        return str(error.errno)

def application(environ, start_response):
    here = os.path.dirname(os.path.abspath(__file__))
    refused = []
    for name in ("built.txt", "other.txt"):
        try:
            open(os.path.join(here, name), "a").close()
        except (IOError, OSError):
            refused.append(name)
    start_response("200 OK", [("Content-Type", "application/json")])
    shown = {"built": text(here, "built.txt"), "log": text("/opt/apps/hello/shared/log"), "refused": refused}
    return [json.dumps(shown).encode("ascii")]
`;

/** Prints its input in upper case and its arguments, and ends as they say. */
const tool = `import json, os, sys

print(json.dumps([os.getcwd().split("/")[-1], sys.prefix.split("/")[-2], sorted(set(os.environ) & set(["S_TOKEN", "APP_NAME", "APP_RELEASE"])), sys.argv[1:]]))
sys.stderr.write("on stderr\\n")
sys.exit(7)
`;

const log = (text: string) => `echo "${text} $(id -un) $S_TOKEN" >> "$APP_DATA/log"`;

onEachPlatform("the commands of an app", function (test) {
  this.timeout(600_000);

  let product: Product;
  let server: Record<string, unknown>;
  let source: string;
  before(async function () {
    server = await preparedSettings(test, this);
    product = await Product.make({ server }, test);
    source = await product.writeApp("commanded", { "wsgi.py": app, "tool.py": tool });
  });
  after(() => (product as Product | undefined)?.remove());

  const configure = (commands: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    product.configure({
      server,
      apps: { hello: { source, python: test.python, secrets: { S_TOKEN: "secret" }, commands, ...more } },
    });
  const page = async () => JSON.parse((await httpGet(product.url)).text) as Record<string, unknown>;
  /** `npm run exec`, and what it has printed, as bytes. */
  const exec = async (words: readonly string[], { stdin = Buffer.from(""), appName = "hello" } = {}) => {
    const script = join(root, "toolchain/bootstrap.mjs");
    const child = spawn(process.execPath, [script, "exec", product.stack, appName, "--", ...words], {
      env: { ...process.env, ...product.env },
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.end(stdin);
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
  };
  const build = [`python -c 'print("two  words")' > built.txt`, `mkdir bin; cp /bin/echo bin; ln -s built.txt link`];
  /** Started by commands that this test gives. */
  const left = () => product.ssh("pgrep --list-full --full '^sleep 100[0-9]$' || true");

  it("complete the code, and run once before a release gets requests, as its user and with its variables", async () => {
    await configure({ build: [...build, log("build")], release: [log("release"), "echo shown; exec 1>&2; echo too"] });
    const { output } = await product.up();
    const release = (await page()) as { log: string };
    assert.deepEqual(release, {
      built: "two  words\n",
      log: "build hello secret\nrelease hello secret\n",
      refused: ["built.txt", "other.txt"],
    });
    assert.match(output, /hello: release command: echo shown; exec 1>&2; echo too\n[^]* {4}shown\n[^]* {4}too\n/);
    assert.equal(
      await product.ssh(
        "cd /opt/apps/hello/current/app && stat --format '%n %A %U %G' . wsgi.py built.txt bin bin/echo link",
      ),
      [
        ". drwxr-x--- root hello",
        "wsgi.py -rw-r----- root hello",
        "built.txt -rw-r----- root hello",
        "bin drwxr-x--- root hello",
        "bin/echo -rwxr-x--- root hello",
        "link lrwxrwxrwx root hello",
      ].join("\n"),
    );
    assertUnchanged((await product.up()).output);
    assert.deepEqual(await page(), release);
    assert.equal(
      await product.ssh(
        "ls -d /opt/apps/hello/command /var/lib/uwsgi-nginx/commands/* /run/systemd/system/uwsgi-command* 2> /dev/null || true",
      ),
      "",
      "nothing should be left of commands",
    );
  });

  it("can be given by hand: words, input, output and exit code are the command's", async () => {
    const words = ["two  words", "", `it's "quoted" $HOME \`id\` \\ *`, "--help", "a=b", "Grüße\nand more"];
    const { code, stdout, stderr } = await exec(["python", "tool.py", ...words]);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /^on stderr$/m);
    const [folder, prefix, variables, seen] = JSON.parse(stdout.toString()) as unknown[];
    assert.deepEqual([folder, prefix, variables], ["app", "venvs", ["APP_NAME", "APP_RELEASE", "S_TOKEN"]]);
    assert.deepEqual(seen, words);
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
    const copied = await exec(["cat"], { stdin: bytes });
    assert.ok(copied.stdout.equals(bytes), `the bytes should come back as they are:\n${copied.stderr}`);
    const rights = await exec(["bash", "-c", 'id -un; grep NoNewPrivs /proc/self/status; touch x "$APP_DATA/mine"']);
    assert.match(rights.stdout.toString(), /^hello\nNoNewPrivs:\t1\n$/);
    assert.equal(rights.code, 1, "only the app's data should be writable");
    assert.match(rights.stderr, /touch: .*'?x'?.*: Permission denied/);
    assert.equal((await exec(["no-such-program"])).code, 127);
    const unknown = await exec(["id"], { appName: "other" });
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.stderr,
      /Error: The server has no app other\. Its apps are: hello\. Nothing was changed\.\nFix: /,
    );
  });

  it("can be given by hand on a terminal", async () => {
    const words = [process.execPath, join(root, "toolchain/bootstrap.mjs"), "exec", product.stack, "hello", "--"];
    const python = "import sys; print((sys.stdin.isatty(), sys.stdin.readline().upper())); sys.exit(3)";
    const line = [...words, "python", "-c", python].map((it) => `'${it}'`).join(" ");
    const child = spawn("script", ["-qefc", line, "/dev/null"], {
      env: { ...process.env, ...product.env, TERM: "xterm" },
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    // The terminal shows what is typed when the command has it.
    const typing = setInterval(() => child.stdin.write("typed\r"), 1000);
    const code = await ended;
    clearInterval(typing);
    assert.match(printed, /\(True, '(TYPED\\n)'\)/);
    assert.equal(code, 3, printed);
  });

  it("that fail keep the release before, and are shown", async () => {
    const before = await page();
    await configure({ build, release: ["true", "echo the reason; exit 3"] });
    const failed = (await product.failUp()).output;
    assert.match(
      failed,
      /The release command "echo the reason; exit 3" of app hello failed \(exit status 3\)\. What it and .* stays changed\. Release \w{12} stays live\.\n( *the reason)\n +Fix: /,
    );
    assert.deepEqual(await page(), before);
  });

  it("that do not end are ended with all that they have started; meanwhile others can be given by hand", async () => {
    const before = await page();
    await configure({ build, release: ["setsid sleep 1001 & sleep 1002"], timeoutSeconds: 5 });
    const failing = product.failUp();
    await waitFor("the command", async () => (await left()).split("\n").length === 2, 60);
    const { code, stdout, stderr } = await exec(["bash", "-c", 'echo "$S_TOKEN"']);
    assert.deepEqual([code, stdout.toString()], [0, "secret\n"], stderr);
    assert.match(
      (await failing).output,
      /of app hello did not end within 5 seconds \(apps\.hello\.commands\.timeoutSeconds\)\. .*Release \w{12} stays live\./,
    );
    assert.equal(await left(), "");
    assert.deepEqual(await page(), before);
  });

  it("run again after an interruption, with the data of another user, which the former one has back if they fail", async () => {
    const before = await page();
    const owners = "cd /opt/apps/hello; stat --format '%U:%G %a' shared shared/log releases venvs/*";
    const ownersBefore = await product.ssh(owners);
    await configure({ build, release: ["sleep 1003"] }, { uid: "web" });
    const failing = product.failUp();
    await waitFor("the command", async () => (await left()) !== "", 60);
    await product.ssh("pkill -KILL --full '^bash /usr/local/lib/uwsgi-nginx/run.sh app up'");
    await failing;
    assert.notEqual(await left(), "", "the command should have survived what has started it");
    await configure({ build, release: ["false"] }, { uid: "web" });
    assert.match((await product.failUp()).output, /The release command "false" .*Release \w{12} stays live\./);
    assert.equal(await left(), "");
    assert.equal(await product.ssh(owners), ownersBefore, "the data should be the former user's again");
    assert.deepEqual(await page(), before);
    await configure({ build, release: [log("moved")] }, { uid: "web" });
    await product.up();
    assert.equal(await left(), "");
    const { built, log: lines, refused } = await page();
    assert.deepEqual(
      { built, lines, refused },
      {
        built: "two  words\n",
        lines: "build hello secret\nrelease hello secret\nmoved web secret\n",
        refused: ["built.txt", "other.txt"],
      },
    );
    assert.equal((await exec(["id", "-un"])).stdout.toString(), "web\n");
    assert.equal(await product.ssh("stat --format %a /opt/apps/hello/venvs/*"), "750");
  });
});
