// What an app needs: as pip would read it, and what a change of it does.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { platforms } from "../../platforms";
import { newerPythons, pipPackages } from "../../rendering/requirements";
import { pipSecretLines } from "../../rendering/pipSecrets";
import { appSchema } from "../../settings/apps";
import { installation } from "../../settings/requirements";
import { codeOf, helloPlan } from "../support/plans";
import { app, mistake, mistakes } from "../support/settings";

type Files = Record<string, string>;
interface Given {
  requirements?: string;
  extras?: string[];
}
const read = (files: Files, { extras = [], ...settings }: Given = {}) =>
  installation(codeOf(files), { ...settings, extras });
const texts = (files: Files, given?: Given) => read(files, given).problems.map(({ text }) => text);

describe("a requirements file", () => {
  const files = {
    "requirements/production.txt": [
      "\ufeff# -r comment.txt",
      "-r base.txt",
      "  --requirement=more/extra.txt  # a comment",
      "-cconstraints.txt",
      "--constraint \\",
      "  'quoted name.txt'",
      "-e .",
      "flask>=2; python_version > '3'  # -r none.txt",
      "requests @ https://example.org/requests.whl",
      "git+https://example.org/lib.git#egg=lib",
      "-e git+https://example.org/other.git#egg=other",
      "https://example.org/own-1.0.tar.gz",
      "./libs/own-1.0-py3-none-any.whl ; python_version > '3'",
      "libs/sdist.tar.gz --hash=sha256:00",
      "named @ file:libs/named.zip",
      "--find-links ../wheels --no-index",
      "/srv/server.whl",
      "-r https://example.org/remote.txt",
      "--extra-index-url https://${TOKEN}@example.org/simple ${lower}",
    ].join("\r\n"),
    "requirements/base.txt": "-r production.txt\n-r ../requirements/more/extra.txt\nflask ${SECOND}\n",
    "requirements/more/extra.txt": "django",
    "requirements/constraints.txt": "flask==3",
    "requirements/quoted name.txt": "flask==3",
    "libs/own-1.0-py3-none-any.whl": "a",
    "libs/sdist.tar.gz": "b",
    "libs/named.zip": "c",
    "wheels/one.whl": "d",
    "setup.py": "",
  };

  it("leads to every file and folder of the code that it names, as pip reads it", () => {
    const found = read(files, { requirements: "./requirements/production.txt" });
    assert.deepEqual(found, {
      file: "requirements/production.txt",
      text: "",
      named: [
        "requirements/base.txt",
        "requirements/more/extra.txt",
        "requirements/constraints.txt",
        "requirements/quoted name.txt",
      ],
      packages: ["libs/own-1.0-py3-none-any.whl", "libs/sdist.tar.gz", "libs/named.zip", "wheels/one.whl"],
      needsCode: true,
      placeholders: new Map([
        ["SECOND", { where: "line 3 of requirements/base.txt", isPath: false }],
        ["TOKEN", { where: "line 19 of requirements/production.txt", isPath: false }],
      ]),
      problems: [],
    });
  });

  it("may be one of PowerShell, in UTF-16 of either order of bytes", () => {
    const little = Buffer.from("\ufeff-r base.txt\r\n", "utf16le");
    for (const bytes of [little, Buffer.from(little).swap16()]) {
      const code = {
        names: ["requirements.txt", "base.txt"],
        bytes: (it: string) => (it === "base.txt" ? Buffer.from("six") : bytes),
      };
      assert.deepEqual(installation(code, { extras: [] }).named, ["base.txt"]);
    }
  });

  it("may name a folder with a slash at its end", () => {
    for (const links of ["../wheels/", "../wheels", "wheels/", "file:wheels/", "wheels/one.whl"])
      assert.deepEqual(
        read(
          { "requirements/base.txt": `--find-links ${links}\nown\n`, "wheels/one.whl": "a" },
          { requirements: "requirements/base.txt" },
        ),
        {
          ...{ file: "requirements/base.txt", text: "", named: [], packages: ["wheels/one.whl"], needsCode: false },
          ...{ placeholders: new Map(), problems: [] },
        },
        links,
      );
    assert.deepEqual(read({ "requirements.txt": "-e ./lib/\n", "lib/setup.py": "" }).problems, []);
  });

  it("that names what is missing or outside of the source says where", () => {
    const wrong = "six\n-r base.txt\n-c ../c.txt\n-e ./lib\n./own.whl\n--find-links wheels\nown @ file:../own.whl\n";
    assert.deepEqual(texts({ "requirements.txt": wrong }), [
      "line 2 of requirements.txt names base.txt, which is not among the packed files of the app.",
      "line 3 of requirements.txt names ../c.txt, which leads out of the app's source.",
      "line 4 of requirements.txt names ./lib, which is not among the packed files of the app.",
      "line 5 of requirements.txt names ./own.whl, which is not among the packed files of the app.",
      "line 6 of requirements.txt names wheels, which is not among the packed files of the app.",
      "line 7 of requirements.txt names ../own.whl, which leads out of the app's source.",
    ]);
    assert.deepEqual(texts({ "wsgi.py": "" }, { requirements: "venv/r.txt" }), [
      "venv/r.txt is not among the packed files of the app.",
    ]);
    assert.deepEqual(texts({ "requirements.txt": "" }, { extras: ["a"] }), [
      "the extras a are not installed, because they are those of a project.",
    ]);
  });

  it("that has a password in a URL is refused, even in a comment, and the error does not show it", () => {
    for (const line of [
      "--extra-index-url https://user:hunter2@example.org/simple",
      "-i https://hunter2@example.org/simple",
      "-i https://hunter2:@example.org/simple",
      "# --index-url=https://user:hunter2@example.org/simple",
      "--find-links 'https://${USER_NAME}:hunter2@example.org/'",
      "--index-url https://user:${TOKEN}hunter2@example.org/simple",
      "--index-url https://user:hunter2:@hunter2@example.org/simple",
      "own @ HTTPS://user:hunter2@example.org/own.whl",
      "git+https://hunter2@example.org/own.git",
      "-e git+ssh://git:hunter2@example.org/own.git#egg=own",
      "-r https://user:hunter2@example.org/r.txt",
    ]) {
      const { problems } = read({ "requirements.txt": "-c c.txt", "c.txt": `six\n${line}\n` });
      assert.deepEqual(
        problems,
        [
          {
            text: "line 2 of c.txt has a password or a token in a URL, which previews and the state would show.",
            fix: "write ${NAME} in its place, and set apps.APP.pip.secrets.NAME with --secret.",
          },
        ],
        line,
      );
    }
    const fine = [
      "-i https://user:${TOKEN}@example.org/simple",
      "-i https://${TOKEN}:@example.org/simple",
      "-i https://${A}${B}@example.org/simple",
      "git+https://git@example.org/own.git@v1",
      "git+https://example.org/own.git@v1#egg=own",
      "-e git+ssh://git@example.org/own.git",
      "-e git+ssh://user@example.org/own.git",
    ];
    assert.deepEqual(texts({ "requirements.txt": fine.join("\n") }), []);
  });

  it("gives another environment with every change of what it names, and with no other change", () => {
    const venv = (changed: Files, hash = "0123456789abcdef", all: Files = files) =>
      helloPlan({ requirements: "requirements/production.txt" }, { source: { hash, files: { ...all, ...changed } } })
        .manifest.venv;
    const without = {
      ...files,
      "requirements/production.txt": "-r base.txt\n./libs/sdist.tar.gz\n",
      "requirements/base.txt": "six\n",
    };
    assert.equal(
      venv({ "wsgi.py": "" }, "1", without),
      venv({}, "2", without),
      "code that is not installed makes no difference",
    );
    assert.notEqual(venv({}, "1"), venv({}, "2"));
    for (const name of [
      "requirements/base.txt",
      "requirements/more/extra.txt",
      "requirements/constraints.txt",
      "libs/named.zip",
      "wheels/one.whl",
    ])
      assert.notEqual(venv({ [name]: "six\n" }), venv({}), name);
    const indexes = ["a", "b"].map((it) => helloPlan({ pip: { index: `https://${it}.org` } }).manifest.venv);
    assert.equal(new Set(indexes).size, 2);
  });

  it("and what it names are shown in a preview", () => {
    const code = { "requirements.txt": "-r base.txt\n./own.whl\n", "base.txt": "six\n", "own.whl": "a" };
    const { shown, manifest } = helloPlan(
      { pip: { extraIndexes: ["https://u:${TOKEN}@i.org/simple"] } },
      { source: { files: code } },
    );
    assert.equal(shown["requirements.txt"], code["requirements.txt"]);
    assert.equal(shown["./base.txt"], "six\n");
    assert.equal(shown["./own.whl"], "SHA-256 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    assert.equal(shown["package indexes"], "PIP_EXTRA_INDEX_URL=https://u:${TOKEN}@i.org/simple\n");
    assert.deepEqual([manifest.requirements, manifest.requirements_file], ["", "requirements.txt"]);
  });
});

describe("a pyproject.toml", () => {
  const project = (text: string, given?: Given, more: Files = {}) => {
    const { text: installed, needsCode, problems } = read({ "pyproject.toml": text, ...more }, given);
    return problems.length > 0
      ? problems.map(({ text, fix }) => `${text} ${fix}`).join("\n")
      : `${needsCode ? "code: " : ""}${installed}`;
  };
  const build = '[build-system]\nrequires = ["setuptools"]\n';
  const shop = `[project]
name = "My.Shop"
version = "1"
dependencies = ["flask>=2", "own @ file:libs/own.whl"]
[project.optional-dependencies]
prod = ["gunicorn"]
db = ["psycopg2; python_version > '3'", "u @ https://e.org/a;b.whl ; sys_platform == 'linux'"]
all = ["my-shop[db, prod]; os_name == 'posix'"]
every = ["my_shop[all]", "six"]
`;
  const wheel = { "libs/own.whl": "" };

  for (const [what, text, installed, given, more] of [
    ["of a package", build + shop, "code: .\n"],
    ["with extras", build + shop, "code: .[prod,db]\n", { extras: ["prod", "db"] }],
    [
      "of a package in a folder",
      "",
      "code: ./lib[prod]\n",
      { requirements: "lib/pyproject.toml", extras: ["Prod"].map((it) => it.toLowerCase()) },
      { "lib/pyproject.toml": build + shop },
    ],
    ["of setuptools without a build system", `${shop}[tool.setuptools]\n`, "code: .\n"],
    ["of Poetry", `${build}[tool.poetry]\nname = "x"\n`, "code: .\n"],
    ["that only configures tools", "[tool.black]\nline-length = 100\n", ""],
    ["beside a setup.py", "[tool.black]\n", "code: .\n", {}, { "setup.py": "" }],
    ["of an app", shop, "flask>=2\nown @ file:libs/own.whl\n", {}, wheel],
    [
      "that uv does not package",
      `${build + shop}[tool.uv]\npackage = false\n`,
      "flask>=2\nown @ file:libs/own.whl\n",
      {},
      wheel,
    ],
    [
      "with an extra that names the project itself",
      shop,
      "flask>=2\nown @ file:libs/own.whl\npsycopg2 ; (os_name == 'posix') and (python_version > '3')\n" +
        "u @ https://e.org/a;b.whl ; (os_name == 'posix') and (sys_platform == 'linux')\ngunicorn ; os_name == 'posix'\nsix\n",
      { extras: ["every"] },
      wheel,
    ],
    [
      "with an extra that it has not",
      shop,
      "pyproject.toml has no extra dev. It has prod, db, all, every. correct the setting extras, or the file.",
      { extras: ["dev"] },
      wheel,
    ],
    [
      "of Poetry that makes no package",
      `${build}[tool.poetry]\npackage-mode = false\n`,
      "pyproject.toml is Poetry's and makes no package, so pip cannot read it. run this in the app's source, then deploy again: poetry export -o requirements.txt",
    ],
    [
      "with sources of uv",
      `${shop}[tool.uv.sources]\nflask = { workspace = true }\n`,
      "pyproject.toml takes flask from a place that only uv knows (tool.uv.sources). run this in the app's source, then deploy again: uv export --format requirements.txt --no-dev --output-file requirements.txt",
    ],
    [
      "that is broken",
      "[project\n",
      "pyproject.toml cannot be read: Invalid TOML document: illegal character in key. correct the file.",
    ],
    ["beside a requirements.txt", build + shop, "", {}, { "requirements.txt": "six\n" }],
  ] as const satisfies readonly (readonly [string, string, string, Given?, Files?])[]) {
    it(`${what} installs what pip or its tool would`, () => {
      assert.equal(project(text, given, more), installed);
    });
  }

  for (const [lock, command] of [
    ["uv.lock", "uv export --format requirements.txt --no-dev --output-file requirements.txt"],
    ["poetry.lock", "poetry export -o requirements.txt"],
    ["Pipfile.lock", "pipenv requirements > requirements.txt"],
    ["Pipfile", "pipenv requirements > requirements.txt"],
    ["pdm.lock", "pdm export -o requirements.txt --prod"],
  ] as const) {
    it(`${lock} alone is refused with the command that exports it`, () => {
      const expected = [
        {
          text: `${lock} says what the app needs, but pip cannot read it.`,
          fix: `run this in the app's source, then deploy again: ${command}`,
        },
      ];
      assert.deepEqual(read({ [lock]: "" }).problems, expected);
      assert.deepEqual(read({ [lock]: "", "pyproject.toml": "[tool.black]" }).problems, expected);
      assert.deepEqual(read({ [lock]: "", "requirements.txt": "" }, { requirements: lock }).problems, expected);
      assert.deepEqual(read({ [lock]: "", "pyproject.toml": build + shop }).problems, []);
      assert.deepEqual(read({ [lock]: "", "requirements.txt": "" }).problems, []);
    });
  }

  it("nothing is a lock file because every object in JavaScript has its name", () => {
    assert.deepEqual(read({ constructor: "six\n" }, { requirements: "constructor" }).problems, []);
  });
});

describe("the secrets of pip", () => {
  const lines = (pip: Record<string, unknown>) => pipSecretLines(appSchema.parse({ pip }).pip);

  it("are taken out of the URLs of indexes, which pip passes on as arguments, where a netrc file can hold them", () => {
    const secrets = { TOKEN: "t/1~", QUOTED: `q"q"` };
    const extraIndexes = ["https://u:${QUOTED}@b.org/simple", "https://${TOKEN}@c.org/${TOKEN}/simple"];
    const all = lines({ index: "https://me:${TOKEN}@a.org:8/simple", extraIndexes, secrets });
    assert.deepEqual(
      all.filter((line) => !line.startsWith("hide ")),
      [
        "set TOKEN=t/1~",
        `set QUOTED=q"q"`,
        "set PIP_INDEX_URL=https://a.org:8/simple",
        "set PIP_EXTRA_INDEX_URL=https://u:q%22q%22@b.org/simple https://t%2F1~@c.org/t%2F1~/simple",
        "netrc machine a.org login me password t/1~",
      ],
    );
  });

  it("keep a user's name in a netrc file as the index knows it, not as a URL writes it", () => {
    const all = lines({ index: "https://me%40a.org:${TOKEN}@a.org/simple", secrets: { TOKEN: "t123" } });
    assert.ok(all.includes("netrc machine a.org login me@a.org password t123"), all.join("\n"));
  });

  it("are hidden in every way that they may be encoded, the longest first", () => {
    const hidden = lines({ index: "https://me:${TOKEN}@a.org", secrets: { TOKEN: "t/1~" } }).flatMap((line) =>
      line.startsWith("hide ") ? [line.slice(5)] : [],
    );
    const lengths = hidden.map((it) => it.length);
    assert.deepEqual(
      lengths,
      [...lengths].sort((a, b) => b - a),
    );
    assert.deepEqual(hidden.sort(), ["t%2F1%7E", "t%2f1%7e", "t%2F1~", "t%2f1~", "t/1%7E", "t/1%7e", "t/1~"].sort());
  });
});

describe("the settings of pip", () => {
  const of = (pip: Record<string, unknown>) => mistakes(app({ pip }));

  it("have no password in clear, and an error does not show one", () => {
    const allowed =
      "a URL (http or https). In place of a password or a token write ${NAME}, and set its value with pip.secrets.NAME";
    for (const url of [
      "https://me:clear@i.org/simple",
      "https://clear@i.org/simple",
      "https://i.org/simple?token=clear",
      "ftp://i.org",
    ]) {
      assert.deepEqual(of({ index: url }), [
        mistake("apps.hello.pip.index: [secret] is not allowed.", `set it to ${allowed}.`),
      ]);
      assert.deepEqual(of({ extraIndexes: [url] }), [
        mistake("apps.hello.pip.extraIndexes[0]: [secret] is not allowed.", `set it to a list; each is ${allowed}.`),
      ]);
    }
  });

  it("have a value for every placeholder, and a placeholder for every value", () => {
    assert.deepEqual(of({ index: "https://me:${TOKEN}@i.org", secrets: { OTHER: "12345" } }), [
      mistake(
        "apps.hello.pip.index: uses ${TOKEN}, which has no value.",
        "set pip.secrets.TOKEN of the app with --secret.",
      ),
      mistake(
        "apps.hello.pip.secrets.OTHER: is not used: neither an index of the app nor its requirements have ${OTHER}.",
        "remove it, or use it.",
      ),
    ]);
  });

  it("have no placeholder that cannot have a value", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "requirements-"));
    try {
      fs.mkdirSync(path.join(folder, "shop"));
      fs.writeFileSync(path.join(folder, "shop/wsgi.py"), "x");
      fs.writeFileSync(
        path.join(folder, "shop/requirements.txt"),
        "${HOME}/x.whl\n-f file://${PROJECT_ROOT}/wheels\n-i https://${PATH}@i.org/simple\n-i https://${TOKEN}@i.org/\n",
      );
      const index = "https://me:${HTTPS_PROXY}@i.org";
      const rename = "rename the placeholder: pip or the shell uses this name.";
      const relative = "write the path relative to the app's source.";
      const unset = (place: string, name: string, fix: string) =>
        mistake(`apps.hello.${place} uses \${${name}}, which has no value.`, fix);
      assert.deepEqual(mistakes(app({ source: "shop", pip: { index } }), { folder }), [
        unset("pip.index:", "HTTPS_PROXY", rename),
        unset("requirements: line 1 of requirements.txt", "HOME", relative),
        unset("requirements: line 2 of requirements.txt", "PROJECT_ROOT", relative),
        unset("requirements: line 3 of requirements.txt", "PATH", rename),
        unset("requirements: line 4 of requirements.txt", "TOKEN", "set pip.secrets.TOKEN of the app with --secret."),
      ]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("are checked as far as they can be if the app's code cannot be read", () => {
    const pip = { index: "https://me:${A}@i.org", extraIndexes: ["https://${B}@j.org"], secrets: { OTHER: "12345" } };
    assert.deepEqual(
      mistakes(app({ source: "nowhere", pip })).map((text) => text.split("\n")[0]),
      [
        'apps.hello.source: "nowhere" does not exist.',
        "apps.hello.pip.index: uses ${A}, which has no value.",
        "apps.hello.pip.extraIndexes: uses ${B}, which has no value.",
      ],
    );
  });

  it("have names that pip and the shell do not use, and values that can be hidden", () => {
    for (const name of ["PATH", "PIP_INDEX_URL", "HTTPS_PROXY", "LD_PRELOAD", "lower"])
      assert.match(of({ secrets: { [name]: "12345" } })[0] ?? "", /invalid name/, name);
    for (const value of ["abc", "two words", "line\nfeed"])
      assert.match(
        of({ secrets: { TOKEN: value } })[0] ?? "",
        /^apps\.hello\.pip\.secrets\.TOKEN: \[secret\] is not allowed\./,
        value,
      );
  });
});

describe("packages for builds", () => {
  it("have their names on every platform", () => {
    assert.match(
      pipPackages(platforms.debian12, "3"),
      /^postgresql=libpq-dev mysql=default-libmysqlclient-dev,pkg-config .* python=python3-dev cc=gcc,libc6-dev,python3-dev$/,
    );
    assert.match(
      pipPackages(platforms.centos7, "2.7"),
      /^postgresql=postgresql-devel .* python=python-devel cc=gcc,python-devel$/,
    );
  });

  it("newer Pythons are those that the platform has", () => {
    assert.deepEqual(newerPythons(platforms.debian12, "3"), []);
    assert.deepEqual(newerPythons(platforms.centos7, "2.7"), ["3", "3.6"]);
    assert.deepEqual(newerPythons(platforms.centos7, "3.6"), []);
  });
});
