// An app's code as it is packed, and what is not packed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { packApp } from "../../rendering/appSource";
import { pruneArchives } from "../../rendering/archives";
import { sourceFiles } from "../../settings/sourceFiles";
import { Sources } from "../../settings/source";
import { folderTree, SourceChanged } from "../../settings/sourceTree";
import { assertAllDiffer } from "../support/assertions";

/** The functions that the product calls. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
const mutableFs = require("node:fs") as { -readonly [Name in keyof typeof fs]: (typeof fs)[Name] };

describe("packed code", () => {
  let folder: string;
  const cache = () => path.join(folder, "cache");
  const code = () => path.join(folder, "code");

  const source = () => new Sources(folder).of({ source: "code", exclude: [], maxSourceSize: 1 });
  const pack = () => packApp(source(), cache());
  const unpacked = (archive: string) => {
    const target = fs.mkdtempSync(path.join(folder, "unpacked-"));
    execFileSync("tar", ["-xzf", archive, "-C", target, "--no-same-owner"]);
    return target;
  };
  const namesIn = (target: string) =>
    fs
      .readdirSync(target, { recursive: true, encoding: "utf8" })
      .filter((name) => fs.statSync(path.join(target, name)).isFile())
      .sort();

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "app-"));
    fs.mkdirSync(path.join(code(), "lib"), { recursive: true });
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 1\n");
    fs.writeFileSync(path.join(code(), "lib", "a.py"), "a = 1\n");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("the same code always gives the same archive", () => {
    const first = pack();
    const bytes = fs.readFileSync(first.archive);
    fs.rmSync(first.archive);
    fs.utimesSync(path.join(code(), "wsgi.py"), 1, 1);
    const second = pack();
    assert.deepEqual([second.hash, second.archive], [first.hash, first.archive]);
    assert.ok(
      fs.readFileSync(second.archive).equals(bytes),
      "Two archives of the same files must be identical: packApp must leave out times and owners.",
    );
    assert.equal(execFileSync("tar", ["tzf", second.archive], { encoding: "utf8" }), "lib/a.py\nwsgi.py\n");
  });

  it("archives that were not used for a day are removed", () => {
    const age = (file: string, hours: number) => {
      fs.utimesSync(file, new Date(), new Date(Date.now() - hours * 3_600_000));
    };
    const { archive: old } = pack();
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 2\n");
    const { archive: recent } = pack();
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 3\n");
    const { archive: used } = pack();
    for (const [file, hours] of [
      [old, 25],
      [recent, 23],
      [used, 1000],
    ] as const)
      age(file, hours);
    pack();
    pruneArchives(cache());
    assert.deepEqual(
      [old, recent, used].map((file) => fs.existsSync(file)),
      [false, true, true],
    );
  });

  it("a change of a file's text, name or executable bit changes the hash", () => {
    const hashes = [pack().hash];
    fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 2\n");
    hashes.push(pack().hash);
    fs.chmodSync(path.join(code(), "wsgi.py"), 0o755);
    hashes.push(pack().hash);
    fs.renameSync(path.join(code(), "lib", "a.py"), path.join(code(), "lib", "b.py"));
    hashes.push(pack().hash);
    assertAllDiffer(hashes);
  });

  it("version control, secrets, caches and environments are not packed", () => {
    const before = pack().hash;
    for (const ignored of [".git", ".local", "__pycache__", "venv"]) {
      fs.mkdirSync(path.join(code(), ignored));
      fs.writeFileSync(path.join(code(), ignored, "file"), "x");
    }
    assert.equal(pack().hash, before);
  });

  it("its files can be read as they were packed", () => {
    fs.writeFileSync(path.join(code(), "lib", "r.txt"), "django\n");
    const packed = pack().code;
    assert.ok(packed.names.includes("lib/r.txt"), packed.names.join("\n"));
    assert.equal(Buffer.from(packed.bytes("lib/r.txt")).toString(), "django\n");
    fs.writeFileSync(path.join(code(), "lib", "r.txt"), "flask\n");
    assert.throws(() => packed.bytes("lib/r.txt"), SourceChanged);
    assert.throws(() => packed.bytes("none.txt"), SourceChanged);
  });

  it("names arrive as they are, however odd", () => {
    const odd = [
      "@static/a",
      "@a.tar",
      "-rf",
      "line\nfeed",
      "Grüße-日本-🔑",
      "back\\slash",
      " ",
      "*",
      "%s",
      "a".repeat(255),
    ];
    const long = [...Array(10).keys()].map((index) => `${"d".repeat(50 + index)}é`).join("/");
    for (const name of [...odd, `${long}/file`, "a".repeat(99), "a".repeat(100), "é".repeat(50)]) {
      fs.mkdirSync(path.dirname(path.join(code(), name)), { recursive: true });
      fs.writeFileSync(path.join(code(), name), `content of ${name}`);
    }
    // What another writer might take the name "@a.tar" for.
    fs.writeFileSync(path.join(code(), "a.tar"), "not an archive");
    const target = unpacked(pack().archive);
    assert.deepEqual(namesIn(target), namesIn(code()));
    for (const name of namesIn(code()))
      assert.ok(
        fs.readFileSync(path.join(target, name)).equals(fs.readFileSync(path.join(code(), name))),
        `the content of ${JSON.stringify(name)} should be the same`,
      );
  });

  it("files arrive whole: empty, of full blocks and larger than what is read at once, and executable ones as such", () => {
    for (const size of [0, 1, 511, 512, 513, 700_000])
      fs.writeFileSync(path.join(code(), `of-${size}`), Buffer.alloc(size, `${size} `), { mode: 0o600 });
    fs.writeFileSync(path.join(code(), "run"), "#!/bin/sh\n", { mode: 0o700 });
    const target = unpacked(pack().archive);
    for (const name of namesIn(code())) {
      const [sent, there] = [code(), target].map((it) => fs.readFileSync(path.join(it, name)));
      assert.ok(sent !== undefined && there?.equals(sent), `${name} should have the same content`);
    }
    const modes = execFileSync("tar", ["tvzf", pack().archive], { encoding: "utf8" }).split("\n");
    assert.ok(
      modes.some((line) => /^-rwxr-xr-x (root|0)\/(root|0) .* run$/.test(line)),
      modes.join("\n"),
    );
    assert.ok(
      modes.some((line) => /^-rw-r--r-- (root|0)\/(root|0) .* of-513$/.test(line)),
      modes.join("\n"),
    );
  });

  it("only their owner may read archives", () => {
    const { archive } = pack();
    assert.deepEqual(
      [cache(), archive].map((file) => (fs.statSync(file).mode & 0o777).toString(8)),
      ["700", "600"],
    );
  });

  it("a link within the source is packed as what it points to", () => {
    fs.symlinkSync("wsgi.py", path.join(code(), "again.py"));
    fs.symlinkSync(path.join(code(), "lib"), path.join(code(), "other"));
    fs.symlinkSync("other/a.py", path.join(code(), "twice.py"));
    const target = unpacked(pack().archive);
    assert.deepEqual(namesIn(target), ["again.py", "lib/a.py", "other/a.py", "twice.py", "wsgi.py"]);
    assert.equal(fs.readFileSync(path.join(target, "twice.py"), "utf8"), "a = 1\n");
    assert.ok(!fs.lstatSync(path.join(target, "twice.py")).isSymbolicLink(), "no link should be packed");
  });

  it("empty folders arrive, and make another hash", () => {
    const before = pack().hash;
    fs.mkdirSync(path.join(code(), "media", "é".repeat(60)), { recursive: true });
    // Not what is empty only because all in it is left out.
    fs.mkdirSync(path.join(code(), "old", "__pycache__"), { recursive: true });
    const { hash, archive } = pack();
    assert.notEqual(hash, before);
    const target = unpacked(archive);
    assert.ok(fs.statSync(path.join(target, "media", "é".repeat(60))).isDirectory(), "the empty folder should arrive");
    assert.deepEqual(fs.readdirSync(target).sort(), ["lib", "media", "wsgi.py"]);
  });

  it("sockets, pipes and the marks of an editor are left out", async () => {
    const before = pack().hash;
    execFileSync("mkfifo", [path.join(code(), "pipe")]);
    fs.symlinkSync("pipe", path.join(code(), "link-to-pipe"));
    fs.symlinkSync("me@computer.1234:5678", path.join(code(), ".#wsgi.py"));
    const server = createServer().listen(path.join(code(), "socket"));
    try {
      await once(server, "listening");
      assert.equal(pack().hash, before);
      assert.deepEqual(source().oddities.sort(), [
        '"link-to-pipe" (a named pipe)',
        '"pipe" (a named pipe)',
        '"socket" (a socket)',
      ]);
    } finally {
      server.close();
    }
  });

  it("an archive never has other content than its hash says, although files change while they are packed", () => {
    const first = pack();
    fs.rmSync(first.archive);
    const read = fs.readSync;
    let reads = 0;
    // After each file was read once to hash it, one of them changes.
    const changing = (...args: Parameters<typeof fs.readSync>) => {
      if (++reads === 4) fs.writeFileSync(path.join(code(), "wsgi.py"), "app = 9\n");
      return read(...args);
    };
    mutableFs.readSync = changing as typeof fs.readSync;
    try {
      assert.throws(
        pack,
        /The app's code changed while it was packed: "wsgi\.py"\.\nFix: run the same command again\.$/,
      );
    } finally {
      mutableFs.readSync = read;
    }
    assert.deepEqual(fs.readdirSync(cache()), [], "no part of an archive is left");
    assert.notEqual(pack().hash, first.hash);
  });

  it("a file that is replaced by a link or a pipe after it was listed is neither followed nor waited for", () => {
    const wsgi = path.join(code(), "wsgi.py");
    const open = fs.openSync;
    for (const replace of [() => fs.symlinkSync("lib/a.py", wsgi), () => execFileSync("mkfifo", [wsgi])]) {
      mutableFs.openSync = (...args: Parameters<typeof fs.openSync>) => {
        if (args[0] === wsgi) {
          fs.rmSync(wsgi);
          replace();
        }
        return open(...args);
      };
      try {
        assert.throws(pack, /changed while it was packed: "wsgi\.py"/);
      } finally {
        mutableFs.openSync = open;
      }
      fs.rmSync(wsgi);
      fs.writeFileSync(wsgi, "app = 1\n");
    }
  });
});

describe("files that cannot be packed", () => {
  let folder: string;
  const source = () => path.join(folder, "shop");
  const place = (name: string) => path.join(source(), name);
  const listed = () => sourceFiles(folderTree(source()));
  const problems = () => listed().problems.map((text) => text.replaceAll(folder, "FOLDER"));

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "source-")));
    fs.mkdirSync(path.join(source(), "lib"), { recursive: true });
    fs.writeFileSync(path.join(source(), "wsgi.py"), "app = 1\n");
    fs.writeFileSync(path.join(folder, "passphrase"), "secret");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it("links out of the source are all named at once, and links to nothing and in a circle are left out", () => {
    fs.mkdirSync(place(".git"));
    fs.writeFileSync(place(".git/config"), "token");
    fs.symlinkSync("../passphrase", place("data.txt"));
    fs.symlinkSync("/etc", place("etc"));
    fs.symlinkSync("data.txt", place("indirect"));
    fs.symlinkSync(".git/config", place("token"));
    fs.symlinkSync("nowhere", place("broken"));
    fs.symlinkSync("circle", place("circle"));
    fs.symlinkSync("..", place("lib/up"));
    fs.symlinkSync(".", place("lib/here"));
    // It has the source's name in its own, and is not in it.
    fs.mkdirSync(`${source()}-old`);
    fs.symlinkSync("../shop-old", place("old"));
    const outside = (target: string) => `(a link to ${target}, which is not part of the source)`;
    assert.deepEqual(listed().oddities.sort(), [
      '"broken" (a link to nothing)',
      '"circle" (a link to nothing)',
      '"lib/here" (a link to a folder that it is in)',
      '"lib/up" (a link to a folder that it is in)',
    ]);
    assert.deepEqual(problems().sort(), [
      `"data.txt" ${outside("FOLDER/passphrase")}`,
      `"etc" ${outside("/etc")}`,
      `"indirect" ${outside("FOLDER/passphrase")}`,
      `"old" ${outside("FOLDER/shop-old")}`,
      `"token" ${outside(".git/config")}`,
    ]);
  });

  it("folders that link to each other are a circle", () => {
    fs.mkdirSync(place("a"));
    fs.mkdirSync(place("b"));
    fs.symlinkSync("../b", place("a/to-b"));
    fs.symlinkSync("../a", place("b/to-a"));
    assert.deepEqual(problems(), []);
    assert.deepEqual(listed().oddities, [
      '"a/to-b/to-a" (a link to a folder that it is in)',
      '"b/to-a/to-b" (a link to a folder that it is in)',
    ]);
  });

  it("a few links that lead to very many files do not take for ever", () => {
    for (let level = 0; level < 40; level++) {
      fs.mkdirSync(place(`level${level}`));
      fs.symlinkSync(`../level${level + 1}`, place(`level${level}/a`));
      fs.symlinkSync(`../level${level + 1}`, place(`level${level}/b`));
    }
    fs.mkdirSync(place("level40"));
    const found = problems();
    assert.equal(found.length, 1);
    assert.match(found[0] ?? "", /\(one of more than 10000 files behind links\)$/);
  });

  it("a name that is not UTF-8 is named", () => {
    fs.writeFileSync(Buffer.concat([Buffer.from(place("gr")), Buffer.from([0xfc]), Buffer.from("n")]), "x");
    assert.deepEqual(problems(), ['"gr\ufffdn" (a name that is not UTF-8)']);
  });

  it("files and folders that may not be read are named", function () {
    if (process.geteuid?.() !== 0) this.skip(); // becomes another user
    fs.writeFileSync(place("key"), "x", { mode: 0o600 });
    fs.mkdirSync(place("closed"), { mode: 0o700 });
    fs.chmodSync(folder, 0o755);
    process.seteuid?.(65_534);
    try {
      assert.deepEqual(problems().sort(), ['"closed" (cannot be read: EACCES)', '"key" (cannot be read: EACCES)']);
    } finally {
      process.seteuid?.(0);
    }
  });
});
