// What of an app's code is packed, from a folder and from archives.
import AdmZip from "adm-zip";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { packApp } from "../../rendering/appSource";
import { codeText } from "../../settings/codeFiles";
import { sourceNotes, Sources } from "../../settings/source";
import { app, load, mistake, mistakes } from "../support/settings";

describe("the code of an app", () => {
  let folder: string;
  const place = (name: string) => path.join(folder, name);
  const write = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(place(name)), { recursive: true });
      fs.writeFileSync(place(name), text);
    }
  };
  const list = (source: string, exclude: string[] = [], maxSourceSize = 1) =>
    new Sources(folder).of({ source, exclude, maxSourceSize });
  const names = (source: string, exclude: string[] = []) => list(source, exclude).files.map(({ name }) => name);
  const pack = (source: string) => packApp(list(source), place("cache"));
  const found = (settings: Record<string, unknown>) => mistakes(app(settings), { folder });
  const tar = (archive: string, ...words: string[]) => execFileSync("tar", ["-czf", place(archive), ...words]);
  const tarOf = (archive: string, ...entries: (ConstructorParameters<typeof Header>[0] & { text?: string })[]) => {
    const blocks = entries.flatMap(({ text = "", ...fields }) => {
      const it = new Header({ mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), size: text.length });
      Object.assign(it, fields);
      it.encode();
      return [it.block ?? Buffer.alloc(0), Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)];
    });
    fs.writeFileSync(place(archive), gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
  };
  /** An archive made by Python, with modes and links as other programs write them. */
  const zip = (archive: string, source: string, prefix = "") => {
    const program = `
import os, stat, sys, zipfile
target, source, prefix = sys.argv[1:]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for place, folders, files in os.walk(source):
        for name in folders + files:
            full = os.path.join(place, name)
            inner = prefix + os.path.relpath(full, source)
            if os.path.islink(full):
                info = zipfile.ZipInfo(inner)
                info.create_system = 3
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, os.readlink(full))
            else:
                archive.write(full, inner)
`;
    execFileSync("python3", ["-c", program, place(archive), place(source), prefix]);
  };

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "source-")));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  describe("in an archive", () => {
    beforeEach(() => {
      write({
        "shop/wsgi.py": "application = 1\n",
        "shop/run": "#!/bin/sh\n",
        "shop/pkg/a.py": "a = 1\n".repeat(2000),
        "shop/Grüße 日本": "x",
        "shop/empty.txt": "",
        "shop/requirements.txt": "flask\n",
        "shop/.gitignore": "*.log\n/build/\n",
        "shop/pkg/.gitignore": "!keep.log\n",
        "shop/pkg/keep.log": "x",
        "shop/pkg/no.log": "x",
        "shop/build/x": "x",
        "shop/__pycache__/wsgi.pyc": "x",
      });
      fs.chmodSync(place("shop/run"), 0o755);
      fs.mkdirSync(place("shop/media/new"), { recursive: true });
      fs.symlinkSync("../wsgi.py", place("shop/pkg/again.py"));
      fs.symlinkSync("pkg", place("shop/other"));
    });

    it("gives the same archive and hash as in a folder, whether a folder holds everything or not", () => {
      const expected = pack("shop");
      const bytes = fs.readFileSync(expected.archive);
      tar("bare.tar.gz", "-C", place("shop"), ".");
      tar("github.tgz", "-C", folder, "--transform", "s,^shop,shop-1.0,", "shop");
      tar("pax", "--format=pax", "-C", folder, "shop");
      zip("bare.zip", "shop");
      zip("github.zip", "shop", "shop-1.0/");
      for (const archive of ["bare.tar.gz", "github.tgz", "pax", "bare.zip", "github.zip"]) {
        fs.rmSync(place("cache"), { recursive: true });
        const packed = pack(archive);
        assert.deepEqual(
          [archive, packed.hash, codeText(packed.code, "requirements.txt")],
          [archive, expected.hash, "flask\n"],
        );
        assert.ok(fs.readFileSync(packed.archive).equals(bytes), `${archive} should be packed like the folder`);
        assert.deepEqual(list(archive).problems, []);
      }
      const packed = execFileSync("tar", ["tzf", expected.archive], { encoding: "utf8" }).trimEnd().split("\n");
      assert.ok(packed.includes("media/new/") && packed.includes("other/again.py"), packed.join("\n"));
    });

    it("is not what the settings need if it is no archive, is broken, or has no files", () => {
      tar("good.tar.gz", "-C", folder, "shop");
      fs.writeFileSync(place("half.tar.gz"), fs.readFileSync(place("good.tar.gz")).subarray(0, 300));
      fs.writeFileSync(place("text"), "hello");
      fs.writeFileSync(place("short.tar.gz"), gzipSync("hello"));
      fs.writeFileSync(place("twice.tar.gz"), gzipSync(fs.readFileSync(place("good.tar.gz"))));
      zip("good.zip", "shop");
      const whole = fs.readFileSync(place("good.zip"));
      fs.writeFileSync(place("half.zip"), whole.subarray(0, whole.length / 2));
      const damaged = Buffer.from(whole);
      const at = whole.indexOf("pkg/a.py") + "pkg/a.py".length;
      damaged.fill(0xff, at + 4, at + 8);
      fs.writeFileSync(place("damaged.zip"), damaged);
      fs.mkdirSync(place("nothing"));
      tar("nothing.tar.gz", "-C", place("nothing"), ".");
      execFileSync("mkfifo", [place("pipe")]);
      const texts: Record<string, RegExp> = {
        "half.tar.gz": /is a broken archive: /,
        text: /is neither a folder nor an archive \(\.tar\.gz, \.tgz, \.zip\)\./,
        "short.tar.gz": /is a broken archive: /,
        "twice.tar.gz": /is a broken archive: it is compressed twice\./,
        "half.zip": /is a broken archive: /,
        "damaged.zip": /is a broken archive: /,
        nothing: /has no files, except for what is always left out\./,
        "nothing.tar.gz": /has no files, except for what is always left out\./,
        pipe: /is neither a folder nor a file\./,
        "missing.zip": /does not exist\./,
      };
      for (const [source, text] of Object.entries(texts)) {
        const [first, ...others] = found({ source });
        assert.match(first ?? "", text, source);
        assert.ok(first?.startsWith(`apps.hello.source: "${source}" `), first);
        assert.deepEqual(others, []);
      }
      load(app({ source: "good.tar.gz" }), { folder });
    });

    it("is refused with names that lead out of it, links that do, devices and what is there twice, all at once", () => {
      tarOf(
        "evil.tar.gz",
        { path: "../up.py", type: "File", text: "x" },
        { path: "/etc/passwd", type: "File", text: "x" },
        { path: "a/b/../../../c", type: "File", text: "x" },
        { path: "wsgi.py", type: "File", text: "x" },
        { path: "./wsgi.py", type: "File", text: "y" },
        { path: "tty", type: "CharacterDevice" },
        { path: "pipe", type: "FIFO" },
        { path: "passwd", type: "SymbolicLink", linkpath: "/etc/passwd" },
        { path: "out", type: "SymbolicLink", linkpath: "../../etc" },
        { path: "out/shadow", type: "File", text: "x" },
        { path: "hard", type: "Link", linkpath: "../secret" },
        { path: "wsgi.py/below", type: "File", text: "x" },
      );
      assert.deepEqual(list("evil.tar.gz").problems.sort(), [
        '"../secret" (a name that leads out of the archive)',
        '"../up.py" (a name that leads out of the archive)',
        '"./wsgi.py" (there twice)',
        '"/etc/passwd" (an absolute name)',
        '"a/b/../../../c" (a name that leads out of the archive)',
        '"hard" (a hard link to ../secret, which is no file of the archive)',
        '"out" (a link to ../../etc, which is not part of the source)',
        '"out/shadow" (in what is not a folder)',
        '"passwd" (a link to /etc/passwd, which is not part of the source)',
        '"pipe" (a named pipe)',
        '"tty" (a device)',
        '"wsgi.py/below" (in what is not a folder)',
      ]);
      const [text = ""] = found({ source: "evil.tar.gz" });
      assert.match(text, /^apps\.hello\.source: "evil\.tar\.gz" contains what cannot be packed\.\n {4}"/);
      assert.equal(text.split("\n").length, 1 + 12 + 1);
    });

    it("is refused in the same way if it is a .zip", () => {
      const archive = new AdmZip();
      const add = (name: string, content: string, mode: number) => {
        const { header } = archive.addFile(name, Buffer.from(content));
        Object.assign(header, { made: 0x031e, attr: (mode << 16) >>> 0 });
      };
      archive.addFile("wsgi.py", Buffer.from("x"));
      add("link", "../secret", 0o120777);
      add("inner", "wsgi.py", 0o120777);
      add("nowhere", "gone", 0o120777);
      add("circle", "circle", 0o120777);
      add("pipe", "", 0o010644);
      for (const [index, name] of ["../up.py", "/abs.py", "a/../../b"].entries()) {
        archive.addFile(`file${index}`, Buffer.from("x"));
        // The library itself makes such names harmless where it can.
        const entry = archive.getEntry(`file${index}`);
        if (entry) entry.entryName = name;
      }
      fs.writeFileSync(place("evil.zip"), archive.toBuffer());
      const { problems, oddities, files } = list("evil.zip");
      assert.deepEqual(problems.sort(), [
        '"../up.py" (a name that leads out of the archive)',
        '"/abs.py" (an absolute name)',
        '"a/../../b" (a name that leads out of the archive)',
        '"link" (a link to ../secret, which is not part of the source)',
        '"pipe" (a named pipe)',
      ]);
      assert.deepEqual(oddities.sort(), ['"circle" (a link to nothing)', '"nowhere" (a link to nothing)']);
      assert.deepEqual(
        files.map(({ name }) => name),
        ["inner", "wsgi.py"],
      );
    });

    it("has links and hard links as what they point to", () => {
      tarOf(
        "links.tar.gz",
        { path: "top/pkg/a.py", type: "File", text: "a = 1\n" },
        { path: "top/hard.py", type: "Link", linkpath: "top/pkg/a.py" },
        { path: "top/b", type: "SymbolicLink", linkpath: "./pkg" },
        { path: "top/c.py", type: "SymbolicLink", linkpath: "b/../b/a.py" },
        { path: "top/pkg/up", type: "SymbolicLink", linkpath: ".." },
      );
      const { files, oddities, problems, tree } = list("links.tar.gz");
      assert.deepEqual(
        files.map((it) => [it.name, Buffer.concat([...tree.read(it.place)]).toString()]),
        ["b/a.py", "c.py", "hard.py", "pkg/a.py"].map((name) => [name, "a = 1\n"]),
      );
      assert.deepEqual(oddities.sort(), [
        '"b/up" (a link to a folder that it is in)',
        '"pkg/up" (a link to a folder that it is in)',
      ]);
      assert.deepEqual(problems, []);
    });

    it("cannot fill the memory: it is not unpacked further than maxSourceSize allows", () => {
      const fix = "set apps.hello.maxSourceSize to more, or leave out of the archive what is not code.";
      fs.writeFileSync(place("bomb.tar.gz"), gzipSync(Buffer.alloc(200 * 1024 * 1024)));
      const before = process.memoryUsage().rss;
      assert.deepEqual(found({ source: "bomb.tar.gz", maxSourceSize: 1 }), [
        mistake('apps.hello.source: "bomb.tar.gz" unpacks to far more than maxSourceSize allows.', fix),
      ]);
      write({ "file.zip": "" });
      fs.truncateSync(place("file.zip"), 1024 * 1024 + 1);
      assert.deepEqual(found({ source: "file.zip", maxSourceSize: 1 }), [
        mistake('apps.hello.source: "file.zip" is larger than maxSourceSize allows.', fix),
      ]);
      assert.ok(process.memoryUsage().rss - before < 190 * 1024 * 1024, "the bomb should not be in the memory");
      const archive = new AdmZip();
      archive.addFile("wsgi.py", Buffer.alloc(3 * 1024 * 1024));
      archive.addFile("small.py", Buffer.alloc(1000));
      const bytes = archive.toBuffer();
      fs.writeFileSync(place("large.zip"), bytes);
      assert.match(found({ source: "large.zip", maxSourceSize: 1 })[0] ?? "", /has 3\.0 MB of files/);
      // It says that it is small.
      const central = bytes.lastIndexOf("PK\x01\x02", bytes.lastIndexOf("wsgi.py"));
      bytes.writeUInt32LE(10, central + 24);
      fs.writeFileSync(place("liar.zip"), bytes);
      assert.match(found({ source: "liar.zip", maxSourceSize: 1 })[0] ?? "", /"liar\.zip" is a broken archive: /);
    });
  });

  describe("that is left out", () => {
    it("is what the rules of .gitignore, .dockerignore and exclude say, as git and docker read them", () => {
      write({
        "shop/wsgi.py": "x",
        "shop/.gitignore": "\ufeff# comment\n*.log\n/local/\n!important.log\ndata/*\n!data/keep\n\\#odd\nCAPS\r\n",
        "shop/.dockerignore": "# docker\ndocs\n*.md\n/tests/**/fixtures\nassets\n!assets/css\n",
        "shop/a.log": "x",
        "shop/important.log": "x",
        "shop/local/x": "x",
        "shop/pkg/local/x": "x",
        "shop/data/drop": "x",
        "shop/data/keep": "x",
        "shop/#odd": "x",
        "shop/caps": "x",
        "shop/CAPS": "x",
        "shop/docs/x": "x",
        "shop/pkg/docs/x": "x",
        "shop/README.md": "x",
        "shop/pkg/README.md": "x",
        "shop/tests/a/fixtures": "x",
        "shop/assets/css/x": "x",
        "shop/assets/img/x": "x",
        "shop/a [b]!/.gitignore": "/one\ntwo\n!a.log\nsub/three\n",
        "shop/a [b]!/one": "x",
        "shop/a [b]!/sub/one": "x",
        "shop/a [b]!/sub/two": "x",
        "shop/a [b]!/sub/three": "x",
        "shop/a [b]!/a.log": "x",
        "shop/one": "x",
      });
      const all = [
        ...[".dockerignore", ".gitignore"],
        ...["a [b]!/.gitignore", "a [b]!/a.log", "a [b]!/sub/one", "assets/css/x", "caps", "data/keep"],
        ...["important.log", "one", "pkg/README.md", "pkg/docs/x", "pkg/local/x", "wsgi.py"],
      ];
      assert.deepEqual(names("shop"), all);
      const changed = names("shop", ["/one", "!/local/", "!a.log", "pkg"]);
      assert.deepEqual(
        changed.filter((name) => !all.includes(name)),
        ["a.log", "local/x"],
      );
      assert.deepEqual(
        all.filter((name) => !changed.includes(name)),
        ["one", "pkg/README.md", "pkg/docs/x", "pkg/local/x"],
      );
      // Where git knows the rules too, it says the same.
      fs.rmSync(place("shop/.dockerignore"));
      execFileSync("git", ["init", "--quiet", place("shop")]);
      const git = ["-C", place("shop"), "ls-files", "-z", "--others", "--exclude-standard"];
      const others = execFileSync("git", git, { encoding: "utf8" }).split("\0").filter(Boolean);
      assert.deepEqual(names("shop"), others.sort());
    });

    it("is always version control, caches, what editors leave, and virtual environments of any name", () => {
      write({ "shop/wsgi.py": "x" });
      const folders =
        ".git .hg .svn .local __pycache__ .pytest_cache .mypy_cache .ruff_cache .tox .nox node_modules .idea .vscode @eaDir";
      for (const name of folders.split(" ")) write({ [`shop/pkg/${name}/file.py`]: "x" });
      for (const name of [".#wsgi.py", "wsgi.py~", ".wsgi.py.swp", "old.pyc", ".DS_Store"]) {
        write({ [`shop/pkg/${name}`]: "x" });
      }
      for (const name of ["py3", ".env", "pkg/my env"]) {
        write({ [`shop/${name}/pyvenv.cfg`]: "home = /usr/bin\n", [`shop/${name}/bin/activate`]: "x" });
      }
      assert.deepEqual(names("shop", ["!.git", "!*.pyc", "!py3"]), ["wsgi.py"]);
      assert.deepEqual(sourceNotes("hello", list("shop")), { warnings: [], notices: [] });
      fs.symlinkSync("py3/bin/activate", place("shop/activate"));
      assert.deepEqual(list("shop").problems, [
        '"activate" (a link to py3/bin/activate, which is not part of the source)',
      ]);
    });

    it("are files with secrets, which a warning names unless `exclude` does, but not their examples", () => {
      const examples = [".env.dist", ".env.example", ".env.sample", ".env.template"].map((name) => `shop/${name}`);
      write(
        Object.fromEntries(
          ["shop/.env", "shop/conf/.env.production", ...examples, "shop/wsgi.py"].map((it) => [it, "x"]),
        ),
      );
      assert.deepEqual(names("shop", ["!.env"]), [...examples.map((name) => path.basename(name)), "wsgi.py"]);
      assert.deepEqual(sourceNotes("hello", list("shop")).warnings, [
        "The code of app hello is packed without files that may hold secrets:\n" +
          '    ".env"\n    "conf/.env.production"\n' +
          "Fix: use apps.hello.environment and apps.hello.secrets for what the app needs of them.",
      ]);
      assert.deepEqual(sourceNotes("hello", list("shop", [".env", ".env.*"])).warnings, []);
    });

    it("are Python files that a .gitignore names, of which a notice says how to include them", () => {
      write({
        "shop/.gitignore": "local_settings.py\n/conf/\n/build/\n",
        "shop/wsgi.py": "x",
        "shop/local_settings.py": "x",
        "shop/conf/base.py": "x",
        "shop/build/x.o": "x",
      });
      assert.deepEqual(sourceNotes("hello", list("shop")).notices, [
        "The code of app hello is packed without Python files that an ignore file leaves out:\n" +
          '    "conf/" (left out because .gitignore says so)\n' +
          '    "local_settings.py" (left out because .gitignore says so)\n' +
          'To include them: negate with apps.hello.exclude, for example ["!conf/"].',
      ]);
      const exclude = ["!local_settings.py", "!conf/"];
      assert.deepEqual(names("shop", exclude), [".gitignore", "conf/base.py", "local_settings.py", "wsgi.py"]);
      assert.deepEqual(sourceNotes("hello", list("shop", exclude)).notices, []);
    });

    it("are links to nothing, pipes and sockets, which one warning names", () => {
      write({ "shop/wsgi.py": "x" });
      for (let index = 10; index < 35; index++) fs.symlinkSync("nowhere", place(`shop/link${index}`));
      execFileSync("mkfifo", [place("shop/a-pipe")]);
      const [warning = "", ...others] = sourceNotes("hello", list("shop")).warnings;
      assert.deepEqual(others, []);
      assert.deepEqual(warning.split("\n"), [
        "The code of app hello is packed without:",
        '    "a-pipe" (a named pipe)',
        ...[...Array(19).keys()].map((index) => `    "link${index + 10}" (a link to nothing)`),
        "    and 6 more",
      ]);
      load(app({ source: "shop" }), { folder });
    });

    it("may be what leads out of the source or cannot be read", () => {
      write({ "shop/wsgi.py": "x" });
      fs.symlinkSync("/etc", place("shop/etc"));
      assert.equal(list("shop").problems.length, 1);
      assert.deepEqual(list("shop", ["/etc"]).problems, []);
    });
  });

  it("must not be larger than maxSourceSize, and is not read to find out", () => {
    write({ "shop/wsgi.py": "x", "shop/node_modules/large": "" });
    fs.truncateSync(place("shop/node_modules/large"), 10_000_000_000);
    for (let index = 1; index < 8; index++) {
      write({ [`shop/data${index}`]: "" });
      fs.truncateSync(place(`shop/data${index}`), index * 1_000_000_000);
    }
    const text = (total: string, of: readonly string[], allowed: number) =>
      mistake(
        `apps.hello.source: "shop" has ${total} MB of files, and apps.hello.maxSourceSize allows ${allowed} MB. ` +
          `The largest are these.${of.map((it) => `\n    ${it} MB)`).join("")}`,
        "add what the app does not need to apps.hello.exclude, or set apps.hello.maxSourceSize to more.",
      );
    const largest = ['"data7" (6675.7', '"data6" (5722.0', '"data5" (4768.4', '"data4" (3814.7', '"data3" (2861.0'];
    assert.deepEqual(found({ source: "shop" }), [text("26702.9", largest, 200)]);
    assert.deepEqual(found({ source: "shop", exclude: ["data[2-7]"] }), [
      text("953.7", ['"data1" (953.7', '"wsgi.py" (0.0'], 200),
    ]);
    load(app({ source: "shop", exclude: ["data[2-7]"], maxSourceSize: 1000 }), { folder });
    assert.equal(found({ source: "shop", maxSourceSize: 4097 }).length, 1);
  });

  it("must be where it can be read", () => {
    write({ "shop/wsgi.py": "x" });
    const cases: [source: string, code: string][] = [
      ["shop/wsgi.py/x", "ENOTDIR"],
      ["shop/\0", "ERR_INVALID_ARG_VALUE"],
      ["x".repeat(5000), "ENAMETOOLONG"],
    ];
    for (const [source, code] of cases) {
      assert.deepEqual(found({ source }), [
        mistake(
          `apps.hello.source: ${JSON.stringify(source)} cannot be read: ${code}.`,
          "set it to a folder or archive that you may read, relative to the project.",
        ),
      ]);
    }
  });

  it("must hold the module, unless it may be installed", () => {
    write({ "shop/pkg/__init__.py": "x", "shop/src/other.py": "x", "shop/.gitignore": "local.py\nsettings/\n" });
    write({ "shop/local.py": "x", "shop/settings/wsgi.py": "x", "shop/fast.cpython-311.so": "x" });
    const wrong = (module: string, text: string, fix: string) => {
      assert.deepEqual(found({ source: "shop", module }), [mistake(`apps.hello.module: "${module}" ${text}`, fix)]);
    };
    const set = "set it to a module in shop, or set apps.hello.source to where the module is.";
    wrong("wsgi:application", "is not in shop, which has neither wsgi.py nor wsgi/__init__.py.", set);
    wrong("pkg.web:app", "is not in shop, which has neither pkg/web.py nor pkg/web/__init__.py.", set);
    wrong(
      "local:app",
      "is not in shop, because .gitignore leaves out local.py.",
      'add "!local.py" to apps.hello.exclude.',
    );
    wrong(
      "settings.wsgi:app",
      "is not in shop, because .gitignore leaves out settings/.",
      'add "!settings/" to apps.hello.exclude.',
    );
    wrong(
      "other:app",
      "is in the folder src of shop, where Python does not look for modules.",
      "set apps.hello.environment.PYTHONPATH to src.",
    );
    for (const key of ["environment", "secrets"]) {
      const path = { PYTHONPATH: "src" };
      load(app({ source: "shop", module: "other:app", [key]: path }), { folder });
    }
    for (const module of ["pkg:app", "fast:app"]) load(app({ source: "shop", module }), { folder });
    for (const name of ["requirements.txt", "pyproject.toml", "setup.py"]) {
      write({ [`shop/${name}`]: "" });
      load(app({ source: "shop" }), { folder });
      fs.rmSync(place(`shop/${name}`));
    }
  });

  it("must include the requirements file", () => {
    write({ "shop/wsgi.py": "x", "shop/r.txt": "flask\n" });
    assert.deepEqual(found({ source: "shop", requirements: "r.txt", exclude: ["*.txt"] }), [
      mistake(
        'apps.hello.requirements: "r.txt" is left out of what is packed of shop.',
        "remove the rule in .gitignore, .dockerignore or apps.hello.exclude, or set it to another file.",
      ),
    ]);
    tar("shop.tar.gz", "-C", folder, "shop");
    load(app({ source: "shop.tar.gz", requirements: "r.txt" }), { folder });
    assert.equal(found({ source: "shop.tar.gz", requirements: "s.txt" }).length, 1);
  });

  it("must include what says what the app needs, unless `exclude` leaves it out", () => {
    write({ "shop/wsgi.py": "x", "shop/poetry.lock": "x" });
    for (const [name, ignore] of [
      ["setup.py", ".gitignore"],
      ["pyproject.toml", ".dockerignore"],
      ["requirements.txt", ".gitignore"],
    ] as const) {
      write({ [`shop/${name}`]: "", [`shop/${ignore}`]: `${name}\n` });
      for (const module of ["wsgi:application", "flask:Flask()"]) {
        assert.deepEqual(found({ source: "shop", module }), [
          mistake(
            `apps.hello.requirements: ${name} says what the app needs, but ${ignore} leaves it out.`,
            `add "!${name}" to apps.hello.exclude, or "${name}" if it is not to be installed.`,
          ),
        ]);
      }
    }
    write({ "shop/requirements.txt": "six\n" });
    load(app({ source: "shop", exclude: ["!requirements.txt"] }), { folder });
    write({ "shop/r.txt": "six\n" });
    load(app({ source: "shop", requirements: "r.txt" }), { folder });
    fs.rmSync(place("shop/poetry.lock"));
    load(app({ source: "shop", exclude: ["requirements.txt", "pyproject.toml", "setup.py"] }), { folder });
  });

  it("must include what the requirements name, and an error says what leaves it out", () => {
    write({
      "shop/wsgi.py": "x",
      "shop/requirements.txt": "-r base.txt\n-c req/c.txt\n-e ./lib\n--find-links wheels/\n./own.whl\nsix\n",
      "shop/.gitignore": "base.txt\n*.whl\n/lib/\n",
      "shop/.dockerignore": "req\n",
      "shop/base.txt": "six\n",
      "shop/req/c.txt": "",
      "shop/lib/setup.py": "",
      "shop/wheels/one.whl": "",
      "shop/wheels/two.whl": "",
      "shop/own.whl": "",
    });
    const check = (...exclude: string[]) => found({ source: "shop", exclude });
    const missing = (number: number, value: string, by: string, name: string, fix: string) =>
      mistake(
        `apps.hello.requirements: line ${number} of requirements.txt names ${value}, which is not among the packed files ` +
          `of the app, because ${by} leaves out ${name}.`,
        fix,
      );
    const rules = ["!base.txt", "!req/", "!lib/", "!wheels/**"];
    assert.deepEqual(check("own.whl"), [
      missing(1, "base.txt", ".gitignore", "base.txt", 'add "!base.txt" to apps.hello.exclude.'),
      missing(2, "req/c.txt", ".dockerignore", "req/", 'add "!req/" to apps.hello.exclude.'),
      missing(3, "./lib", ".gitignore", "lib/", 'add "!lib/" to apps.hello.exclude.'),
      missing(4, "wheels/", ".gitignore", "wheels/one.whl", 'add "!wheels/**" to apps.hello.exclude.'),
      missing(5, "./own.whl", "apps.hello.exclude", "own.whl", "remove what leaves it out from apps.hello.exclude."),
    ]);
    assert.equal(check(...rules).length, 1);
    load(app({ source: "shop", exclude: [...rules, "!own.whl"] }), { folder });
    assert.ok(names("shop", rules).includes("wheels/two.whl"), "the fix should include all of the folder");
  });

  it("must have the requirements file at a path relative to the source", () => {
    write({ "shop/wsgi.py": "x", "shop/r.txt": "flask\n" });
    for (const requirements of ["../shop/r.txt", place("shop/r.txt")]) {
      assert.deepEqual(found({ source: "shop", requirements }), [
        mistake(
          `apps.hello.requirements: ${requirements} is not among the packed files of the app.`,
          "set it to the path of a packed file, relative to the app's source.",
        ),
      ]);
    }
  });

  it("is listed once in a run, and an archive read once", () => {
    write({ "shop/wsgi.py": "x" });
    tar("shop.tar.gz", "-C", folder, "shop");
    const sources = new Sources(folder);
    const settings = { exclude: [], maxSourceSize: 1 };
    for (const source of ["shop", "shop.tar.gz"]) {
      const first = sources.of({ source, ...settings });
      fs.rmSync(place(source), { recursive: true });
      assert.equal(sources.of({ source, ...settings }), first);
    }
  });
});
