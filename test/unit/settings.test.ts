import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as yaml from "js-yaml";
import { z } from "zod";
import { platforms } from "../../platforms";
import { knownKeys, settingRows } from "../../settings/describe";
import { sourceVersion } from "../../settings/uwsgi";
import { encryptedPaths, type SettingPath } from "../../settings/encrypted";
import { loadSettings, secretsInClear, SettingsError } from "../../settings/load";
import { setting } from "../../settings/setting";
import { root } from "../support/root";
import { app, aws, defaults, load, mistake, mistakes, raw, ssh } from "../support/settings";

const knownAt = (key: string, settings: object = {}) => knownKeys(key.split("."), settings).join(", ");
const notAllowed = (text: string, allowed: string) => mistake(`${text} is not allowed.`, `set it to ${allowed}.`);
const stackFile = (name: string) =>
  (yaml.load(fs.readFileSync(path.join(root, name), "utf8")) as { config: Record<string, Record<string, unknown>> })
    .config;

describe("loading settings", () => {
  it("defaults to the tutorial's app in a container on Debian 12", () => {
    const { server, apps } = load({});
    assert.deepEqual([server.kind, server.platform, Object.keys(apps)], ["container", "debian12", ["hello"]]);
    assert.deepEqual([apps.hello?.source, apps.hello?.module], ["assets/apps/hello", "wsgi:application"]);
  });

  it("defaults to the tutorial's options of uWSGI", () => {
    const { processes, master, chmodSocket, vacuum, dieOnTerm } = load({}).apps.hello ?? assert.fail("no app hello");
    assert.deepEqual(
      { processes, master, chmodSocket, vacuum, dieOnTerm },
      { processes: 5, master: true, chmodSocket: "660", vacuum: true, dieOnTerm: true },
    );
  });

  it("gives the stack centos7 the tutorial's Python, and ports that the default stack does not use", () => {
    const settings = load(stackFile("Pulumi.centos7.yaml"));
    const { platform, image, httpPort, sshPort } = settings.server as Record<string, unknown>;
    assert.deepEqual([platform, image, settings.apps.hello?.python], ["centos7", "centos:7", "2.7"]);
    const { httpPort: defaultHttp, sshPort: defaultSsh } = defaults.server as Record<string, unknown>;
    const ports = [httpPort, sshPort, defaultHttp, defaultSsh];
    const duplicates = ports.filter((port, index) => ports.indexOf(port) !== index);
    assert.deepEqual(duplicates, [], `the two stacks must run at the same time, but share a port of ${ports.join()}`);
  });

  it("only requires the networks that may log in from a user of the stack dev", () => {
    const { server } = stackFile("Pulumi.dev.yaml");
    assert.deepEqual(
      mistakes({ server }).map((text) => text.split(":")[0]),
      ["server.sshCidrs"],
    );
    assert.equal(load({ server: { ...server, sshCidrs: ["198.51.100.7/32"] } }).server.kind, "aws");
  });

  it("makes texts of numbers and booleans in an app's environment", () => {
    const { hello } = load(app({ environment: { DEBUG: false, PORT: 8000 }, secrets: { PIN: 1234 } })).apps;
    assert.deepEqual([hello?.environment, hello?.secrets], [{ DEBUG: "false", PORT: "8000" }, { PIN: "1234" }]);
  });

  it("rejects line feeds in variables where systemd would drop them, and shows no value", () => {
    const variables = { environment: { LINES: "1\n2" }, secrets: { KEY: "marker\n" } };
    const settings = app({ python: "2.7", limits: { memory: "1G" }, ...variables });
    const [first, second, ...others] = mistakes({ ...settings, server: { platform: "centos7", image: "centos:7" } });
    const rest =
      "has line feeds, which systemd on CentOS 7 does not pass on.\n  Fix: write it on one line, for example encoded with base64, and let the app decode it.";
    assert.deepEqual(
      [first, second, others],
      [`apps.hello.environment.LINES: ${rest}`, `apps.hello.secrets.KEY: ${rest}`, []],
    );
  });

  it("accepts numbers for texts, because YAML reads an unquoted 3 as a number", () => {
    const { hello } = load(app({ python: 3, chmodSocket: 660 })).apps;
    assert.deepEqual([hello?.python, hello?.chmodSocket], ["3", "660"]);
  });

  it("takes domains without regard to capitals, and each once", () => {
    assert.deepEqual(load(app({ domains: ["A.org", "*.B.org", "a.ORG"] })).apps.hello?.domains, ["a.org", "*.b.org"]);
  });

  it("takes one status or several, and a host with or without a port, for a health check", () => {
    for (const status of [401, [200, 401]]) {
      for (const host of ["a.org", "127.0.0.1:8080", "[2001:db8::1]:8080"]) {
        const { healthCheck } = load(app({ healthCheck: { status, host } })).apps.hello ?? assert.fail("no app hello");
        assert.deepEqual([healthCheck.status, healthCheck.host], [status, host]);
      }
    }
  });

  const wholeNumber = "a whole number from 1 to 1024";
  const badName = (key: string) =>
    mistake(`${key}: invalid name.`, "rename it to at most 31 of a-z, 0-9 and -, starting with a letter.");
  const badDomain = (key: string) => notAllowed(key, "a list of domain names (letters, digits, hyphens and dots)");
  const secretName =
    "a variable's name: letters, digits and _, not one of the shell's or systemd's own, UWSGI_…, APP_NAME, APP_DATA or APP_RELEASE";
  const pathInApp = "a list of paths inside the app, such as media or var/log";
  const absolutePaths = "a list of absolute paths, such as /srv/media, of letters, digits and @ . _ + -";
  const secretValue = "a text of at most 100 KB, without control characters other than tab and line feed";
  const notAnEntry = "a map with at least one entry";
  const moduleName = "MODULE:CALLABLE or MODULE:FUNCTION(), such as wsgi:application or shop:create_app()";
  const cases: [string, Record<string, unknown>, string][] = [
    [
      "rejects an unknown setting and names the nearest known one",
      app({ proceses: 7 }),
      mistake(
        `apps.hello.proceses: unknown setting. Known here: ${knownAt("apps.hello", app({}))}.`,
        "correct the name (nearest: processes), or remove it.",
      ),
    ],
    [
      "rejects an unknown setting at the top level",
      { servers: {} },
      mistake(
        `servers: unknown setting. Known here: ${knownKeys([], {}).join(", ")}.`,
        "correct the name (nearest: server), or remove it.",
      ),
    ],
    ["rejects a wrong type", app({ master: "yes" }), notAllowed('apps.hello.master: "yes"', "true or false")],
    ...[0, -1, 1.5, "many"].map((processes): [string, Record<string, unknown>, string] => [
      `rejects ${processes} as the number of processes`,
      app({ processes }),
      notAllowed(`apps.hello.processes: ${JSON.stringify(processes)}`, wholeNumber),
    ]),
    ["rejects an app name with a slash", { apps: { "a/b": {} } }, badName('apps["a/b"]')],
    ["rejects an app name with a space", { apps: { "a b": {} } }, badName('apps["a b"]')],
    ["rejects an app name in upper case", { apps: { Hello: {} } }, badName("apps.Hello")],
    ["rejects .. as an app name", { apps: { "..": {} } }, badName('apps[".."]')],
    ["rejects an app name of 65 characters", { apps: { ["a".repeat(65)]: {} } }, badName(`apps.${"a".repeat(65)}`)],
    ["rejects a domain with a semicolon", app({ domains: ["a.org;"] }), badDomain('apps.hello.domains[0]: "a.org;"')],
    ["rejects a domain with a newline", app({ domains: ["a.org\n"] }), badDomain('apps.hello.domains[0]: "a.org\\n"')],
    [
      "rejects a module without its callable",
      app({ module: "wsgi" }),
      notAllowed('apps.hello.module: "wsgi"', moduleName),
    ],
    ...["", " ", "a\nb", "a\u0007"].map((line): [string, Record<string, unknown>, string] => [
      `rejects ${JSON.stringify(line)} as a command`,
      app({ commands: { release: ["true", line] } }),
      notAllowed(
        `apps.hello.commands.release[1]: ${JSON.stringify(line)}`,
        "a list of at most 50 shell commands, each on one line of at most 2000 characters",
      ),
    ]),
    [
      "rejects a command without an end",
      app({ commands: { timeoutSeconds: 0 } }),
      notAllowed("apps.hello.commands.timeoutSeconds: 0", "a whole number from 1 to 86400"),
    ],
    [
      "rejects a function with arguments, which uWSGI does not pass",
      app({ module: 'shop:create_app("x")' }),
      notAllowed('apps.hello.module: "shop:create_app(\\"x\\")"', moduleName),
    ],
    ...["up", "/a b"].map((given): [string, Record<string, unknown>, string] => [
      `rejects ${given} as the path of a health check`,
      app({ healthCheck: { path: given } }),
      notAllowed(`apps.hello.healthCheck.path: "${given}"`, "a URL path that starts with /"),
    ]),
    ...["a b", "http://a.org", "a.org:", "a.org\r\nX: y"].map((host): [string, Record<string, unknown>, string] => [
      `rejects ${JSON.stringify(host)} as the host of a health check`,
      app({ healthCheck: { host } }),
      notAllowed(
        `apps.hello.healthCheck.host: ${JSON.stringify(host)}`,
        "a name or an address, with a port if there is one in the app's URL",
      ),
    ]),
    ...[[], 99, "2xx"].map((status): [string, Record<string, unknown>, string] => [
      `rejects ${JSON.stringify(status)} as the status of a health check`,
      app({ healthCheck: { status } }),
      notAllowed(
        `apps.hello.healthCheck.status: ${JSON.stringify(status)}`,
        "a whole number from 100 to 599, or a list of them",
      ),
    ]),
    ...["/", "static/", "/static", "/../", "/a//b/", "/a b/", "/a;/", "/a$b/"].map(
      (at): [string, Record<string, unknown>, string] => [
        `rejects ${at} as the URL path of static files`,
        app({ static: { [at]: "static" } }),
        mistake(
          `apps.hello.static["${at}"]: invalid name.`,
          "rename it to a path such as /static/, which starts and ends with /.",
        ),
      ],
    ),
    ...["../static", "a/../b", "/srv/static", "", "a b", "a+b", ".git", "static/"].map(
      (folder): [string, Record<string, unknown>, string] => [
        `rejects ${JSON.stringify(folder)} as a folder of static files`,
        app({ static: { "/static/": folder } }),
        notAllowed(
          `apps.hello.static["/static/"]: ${JSON.stringify(folder)}`,
          "the path of a folder in the app's code, such as staticfiles",
        ),
      ],
    ),
    [
      "rejects a source that does not exist",
      app({ source: "no/such" }),
      mistake(
        'apps.hello.source: "no/such" does not exist.',
        "set it to the folder or archive with the app's code, relative to the project.",
      ),
    ],
    [
      "rejects requirements that are not a file",
      app({ requirements: "r.txt" }),
      mistake(
        'apps.hello.requirements: "r.txt" is not a file in assets/apps/hello.',
        "create the file, or set it to the path of one in assets/apps/hello.",
      ),
    ],
    [
      "rejects an app that runs as root",
      app({ uid: "root" }),
      mistake(
        'apps.hello.uid: "root" is not allowed, because an app never runs as root.',
        "set it to another Linux user.",
      ),
    ],
    [
      "rejects an app called root, which would run as root",
      { apps: { root: {} } },
      mistake(
        'apps.root.uid: "root" is not allowed, because an app never runs as root.',
        "set it to another Linux user.",
      ),
    ],
    ["rejects a stack without an app", { apps: {} }, notAllowed("apps: an empty map", notAnEntry)],
    ["rejects apps that are a text", { apps: "hello" }, notAllowed("apps: a text", notAnEntry)],
    [
      "rejects a Python that the platform does not have",
      app({ python: "2.7" }),
      mistake(
        'apps.hello.python: "2.7" is not available on Debian 12.',
        `set it to one of ${Object.keys(platforms.debian12.pythons).join(", ")}.`,
      ),
    ],
    [
      "rejects a package name that is an option",
      app({ packages: ["--force"] }),
      notAllowed('apps.hello.packages[0]: "--force"', "a list of package names"),
    ],
    [
      "rejects another place for uWSGI to come from",
      { uwsgi: { from: "wheels" } },
      notAllowed('uwsgi.from: "wheels"', "one of source, wheel, distribution"),
    ],
    [
      "rejects a version of uWSGI that is an option",
      { uwsgi: { version: "2.0 --pre" } },
      notAllowed('uwsgi.version: "2.0 --pre"', `a version, such as ${sourceVersion}`),
    ],
    [
      "rejects a socket outside of /run",
      app({ socket: "/tmp/a.sock" }),
      notAllowed('apps.hello.socket: "/tmp/a.sock"', "/run/FOLDER/NAME.sock"),
    ],
    [
      "rejects a secret whose name is uWSGI's or the shell's own",
      app({ secrets: { UWSGI_HTTP: "" } }),
      mistake("apps.hello.secrets.UWSGI_HTTP: invalid name.", `rename it to ${secretName}.`),
    ],
    [
      "rejects a secret whose name no variable can have",
      app({ secrets: { "API-KEY": "" } }),
      mistake("apps.hello.secrets.API-KEY: invalid name.", `rename it to ${secretName}.`),
    ],
    [
      "rejects a secret with a control character, without showing it",
      app({ secrets: { TOKEN: "a\rb" } }),
      notAllowed("apps.hello.secrets.TOKEN: [secret]", secretValue),
    ],
    [
      "rejects a variable that the toolkit sets, as an environment variable too",
      app({ environment: { APP_RELEASE: "" } }),
      mistake("apps.hello.environment.APP_RELEASE: invalid name.", `rename it to ${secretName}.`),
    ],
    [
      "rejects a variable with a control character",
      app({ environment: { NAME: "a\rb" } }),
      notAllowed('apps.hello.environment.NAME: "a\\rb"', secretValue),
    ],
    [
      "rejects a variable that is a secret too",
      app({ environment: { TOKEN: "a" }, secrets: { TOKEN: "b" } }),
      mistake("apps.hello.environment.TOKEN: is in apps.hello.secrets too.", "remove it from one of the two."),
    ],
    [
      "rejects a generated secret of another length, without showing what may be a secret",
      app({ secrets: { TOKEN: { generate: "hunter2" } } }),
      notAllowed(
        "apps.hello.secrets.TOKEN.generate: [secret]",
        "true, for 64 characters, or their number from 16 to 256",
      ),
    ],
    [
      "rejects another setting of a secret",
      app({ secrets: { TOKEN: { generate: true, lenght: 3 } } }),
      mistake(
        "apps.hello.secrets.TOKEN.lenght: unknown setting. Known here: generate.",
        "correct the name (nearest: generate), or remove it.",
      ),
    ],
    ...["/media", "../media", "a/../b", ".", "a//b", ""].map((path): [string, Record<string, unknown>, string] => [
      `rejects "${path}" as a folder of the app`,
      app({ folders: [path] }),
      notAllowed(`apps.hello.folders[0]: ${JSON.stringify(path)}`, pathInApp),
    ]),
    [
      "rejects a kept file inside a kept folder",
      app({ folders: ["media"], files: ["media/db"] }),
      mistake(
        'apps.hello.files: "media/db" is not possible together with "media", because one is inside the other.',
        "remove one of the two.",
      ),
    ],
    [
      "rejects a path that is both a kept folder and a kept file",
      app({ folders: ["media/"], files: ["media"] }),
      mistake('apps.hello.files: "media" is there twice.', "remove one of the two."),
    ],
    ...["shop", "shop/wsgi", "shop/wsgi.py"].map((path): [string, Record<string, unknown>, string] => [
      `rejects the place of the app's module as a kept path: ${path}`,
      app({ source: "test/apps/shop", module: "shop.wsgi:application", files: [path] }),
      mistake(
        `apps.hello.files: "${path}" is where the module of the app is (apps.hello.module), which no release could change anymore.`,
        "choose a folder or file that has only data in it.",
      ),
    ]),
    ...["media", "media/public", "m"].map((folder): [string, Record<string, unknown>, string] => [
      `rejects static files of ${folder} if that has to do with a kept folder`,
      app({ folders: ["media", "m/kept"], static: { "/m/": folder } }),
      mistake(
        `apps.hello.static["/m/"]: "${folder}" has "${folder === "m" ? "m/kept" : "media"}", which is kept across releases (apps.hello.folders, files), but nginx serves copies that each release makes.`,
        "remove it, and let the app serve what is kept.",
      ),
    ]),
    ...["/", "srv", "/srv/../etc", "/srv/a b", "/srv/%n"].map((path): [string, Record<string, unknown>, string] => [
      `rejects "${path}" as a path that the app may write to`,
      app({ readWritePaths: [path] }),
      notAllowed(`apps.hello.readWritePaths[0]: ${JSON.stringify(path)}`, absolutePaths),
    ]),
    ...[
      ["/etc/app", "/etc"],
      ["/var", "/var/cache/uwsgi-nginx"],
      ["/opt/apps/other/shared", "/opt/apps"],
      ["/root", "/root"],
    ].map(([path = "", place = ""]): [string, Record<string, unknown>, string] => [
      `rejects ${path} as a path that the app may write to, because of ${place}`,
      app({ readWritePaths: [path] }),
      mistake(
        `apps.hello.readWritePaths: "${path}" is not allowed, because no app may write to ${place}.`,
        "choose a folder for the app's data only, such as /srv/hello, or use apps.hello.folders.",
      ),
    ]),
    [
      "rejects a secret that is too long for an environment variable",
      app({ secrets: { TOKEN: "ü".repeat(51_201) } }),
      notAllowed("apps.hello.secrets.TOKEN: [secret]", secretValue),
    ],
    [
      "rejects two apps without a domain",
      { apps: { a: {}, b: {} } },
      mistake(
        'apps.b.domains: empty, like that of the app "a", but only one app can answer for every other name.',
        "give this app a domain.",
      ),
    ],
    [
      "rejects two apps with the same domain",
      { apps: { a: { domains: ["x.org"] }, b: { domains: ["x.org"] } } },
      mistake('apps.b.domains: "x.org" is already used by the app "a".', "choose another one for one of the two apps."),
    ],
    [
      "rejects two apps with domains that differ in capitals only",
      { apps: { a: { domains: ["*.X.org", "Shop.org"] }, b: { domains: ["shop.ORG", "*.x.org.uk"] } } },
      mistake(
        'apps.b.domains: "shop.org" is already used by the app "a".',
        "choose another one for one of the two apps.",
      ),
    ],
    [
      "rejects two apps with their sockets in the same folder",
      { apps: { a: { socket: "/run/u/a.sock" }, b: { domains: ["b.org"], socket: "/run/u/b.sock" } } },
      mistake('apps.b.socket: "/run/u" is already used by the app "a".', "choose another one for one of the two apps."),
    ],
  ];
  for (const [title, settings, expected] of cases) {
    it(title, () => {
      assert.deepEqual(mistakes(settings), [expected]);
    });
  }

  it("rejects settings of another project, but not a provider's setting of the same name", () => {
    const config = {
      "site:server": '{"kind":"aws"}',
      "site:apps": '{"hello":{}}',
      "postgresql:server": "db.example.org",
    };
    const check = () => loadSettings({ project: "other", config, isSecret: () => false, folder: root });
    const renamed = (key: string) =>
      mistake(`site:${key}: the project's name is other (Pulumi.yaml).`, `rename it to other:${key}.`);
    assert.throws(check, { mistakes: ["server", "apps"].map(renamed) });
  });

  it("reports all mistakes in one error", () => {
    const settings = { server: { htpPort: 1 }, apps: { hello: { processes: 0 }, b: { source: "no" } } };
    assert.throws(
      () => load(settings),
      new SettingsError([
        mistake(
          `server.htpPort: unknown setting. Known here: ${knownAt("server", settings)}.`,
          "correct the name (nearest: httpPort), or remove it.",
        ),
        notAllowed("apps.hello.processes: 0", wholeNumber),
        mistake(
          'apps.b.source: "no" does not exist.',
          "set it to the folder or archive with the app's code, relative to the project.",
        ),
      ]),
    );
    assert.equal(
      new SettingsError(["a: wrong.\n  Fix: b.", "c: wrong.\n  Fix: d."]).message,
      [
        "2 settings are wrong. Nothing was changed.",
        "a: wrong.",
        "  Fix: b.",
        "c: wrong.",
        "  Fix: d.",
        "To change a setting, run: pulumi config set --path 'KEY' VALUE (docs/settings.md lists all settings)",
      ].join("\n"),
    );
  });

  it("never shows a secret in an error", () => {
    assert.match(
      mistakes({ server: { privateKey: "hunter2" } })[0] ?? "",
      /^server\.privateKey: \[secret\] is not allowed/,
    );
    assert.deepEqual(mistakes(app({ processes: "hunter2" }), { secrets: ["uwsgi-nginx:apps"] }), [
      notAllowed("apps.hello.processes: [secret]", wholeNumber),
    ]);
  });

  for (const [key, settings, form] of [
    ["apps.hello.secrets", app({ secrets: [{ KEY: "hunter2" }] }), "a list"],
    ["apps.hello.secrets", app({ secrets: "hunter2" }), "a text"],
    ["apps.hello.secrets", app({ secrets: 123456 }), "a number"],
    ["apps.hello.secrets", app({ secrets: null }), "null"],
    ["apps.hello.environment", app({ environment: ["hunter2"] }), "a list"],
    ["apps.hello.pip", app({ pip: ["hunter2"] }), "a list"],
    ["apps.hello.pip.secrets", app({ pip: { secrets: [{ KEY: "hunter2" }] } }), "a list"],
    ["apps.hello", app([{ secrets: { KEY: "hunter2" } }] as unknown as Record<string, unknown>), "a list"],
    ["apps", { apps: [{ secrets: { KEY: "hunter2" } }] }, "a list"],
    ["server", { server: [{ sudoPassword: "hunter2" }] }, "a list"],
    ["server", { server: "hunter2" }, "a text"],
    ["server.bastion", ssh({ bastion: ["hunter2"] }), "a list"],
  ] as const) {
    it(`never shows a secret in an error about ${form} in place of the map ${key}`, () => {
      const [first = "", ...others] = mistakes(settings);
      assert.deepEqual([first.split("\n")[0], others], [`${key}: ${form} is not allowed.`, []]);
    });
  }

  it("takes a variable or a user whose name every object in JavaScript has", () => {
    const settings = { environment: { constructor: "x" }, uid: "constructor" };
    assert.deepEqual(load(app(settings)).apps.hello?.environment, { constructor: "x" });
  });

  it("takes paths relative to the project's folder", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "settings-"));
    try {
      fs.mkdirSync(path.join(folder, "code"));
      fs.writeFileSync(path.join(folder, "code/wsgi.py"), "x");
      assert.equal(load(app({ source: "code" }), { folder }).apps.hello?.source, "code");
      assert.match(mistakes({}, { folder }).join("\n"), /^apps\.hello\.source: "assets\/apps\/hello" does not exist/);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  describe("the folder with an app's code", () => {
    let folder: string;
    const place = (name: string) => path.join(folder, name);
    const check = (settings: Record<string, unknown>) => mistakes(app(settings), { folder: place("project") });
    const holding = (source: string) =>
      mistake(
        `apps.hello.source: "${source}" contains this project or its secrets (.local), and all of it would be uploaded.`,
        "move the app's code to a folder of its own, and set it to that.",
      );
    beforeEach(() => {
      folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "settings-")));
      for (const name of ["project/.local/servers", "project/code", "project-two", "shop"])
        fs.mkdirSync(place(name), { recursive: true });
      for (const name of ["project/code", "project-two", "shop"]) fs.writeFileSync(place(`${name}/wsgi.py`), "x");
    });
    afterEach(() => {
      fs.rmSync(folder, { recursive: true });
    });

    it("must not hold the project, whose passphrase and keys would be uploaded", () => {
      fs.symlinkSync("../project", place("shop/link"));
      for (const source of [".", "..", "../project", "/", "../shop/link", ".local", ".local/servers"])
        assert.deepEqual(check({ source }), [holding(source)]);
      assert.equal(load(app({ source: "code" }), { folder: place("project") }).apps.hello?.source, "code");
      load(app({ source: "../project-two" }), { folder: place("project") });
    });

    it("must not hold what cannot be packed, which one error names together with other mistakes", () => {
      fs.symlinkSync("../project/.local/passphrase", place("shop/data.txt"));
      fs.writeFileSync(place("project/.local/passphrase"), "secret");
      for (let index = 10; index < 35; index++) fs.symlinkSync("/etc", place(`project/code/link${index}`));
      const wrongWith = (app: string, source: string, files: readonly string[]) =>
        mistake(
          [`apps.${app}.source: "${source}" contains what cannot be packed.`, ...files].join("\n    "),
          `remove these, put files in place of links, make the others readable, or add them to apps.${app}.exclude.`,
        );
      const outOf = (index: number) => `"link${index + 10}" (a link to /etc, which is not part of the source)`;
      const ofCode = [...[...Array(20).keys()].map(outOf), "and 5 more"];
      const settings = { a: { source: "../shop", processes: 0 }, b: { source: "../shop" }, c: { source: "code" } };
      const outside = `a link to ${place("project/.local/passphrase")}, which is not part of the source`;
      const domainsOf = /^apps\.c\.domains: empty/;
      const [wrong, shop, code, domains = ""] = mistakes({ apps: settings }, { folder: place("project") });
      assert.equal(wrong, notAllowed("apps.a.processes: 0", wholeNumber));
      assert.equal(shop, wrongWith("b", "../shop", [`"data.txt" (${outside})`]));
      assert.equal(code, wrongWith("c", "code", ofCode));
      assert.match(domains, domainsOf);
    });

    it("holds the requirements file, which is no way to another file of this computer", () => {
      fs.writeFileSync(place("secret"), "secret");
      fs.symlinkSync("../secret", place("shop/requirements.txt"));
      fs.writeFileSync(place("shop/r.txt"), "flask\n");
      fs.symlinkSync("r.txt", place("shop/link.txt"));
      const leaving = (requirements: string) =>
        mistake(
          `apps.hello.requirements: "${requirements}" leads out of ../shop.`,
          "move the file into ../shop, and set it to its path there.",
        );
      assert.deepEqual(check({ source: "../shop", requirements: "requirements.txt" })[0], leaving("requirements.txt"));
      fs.rmSync(place("shop/requirements.txt"));
      assert.deepEqual(check({ source: "../shop", requirements: "../secret" }), [leaving("../secret")]);
      for (const requirements of ["r.txt", "link.txt"])
        load(app({ source: "../shop", requirements }), { folder: place("project") });
    });
  });

  it("describes every map with the text of its own keys", () => {
    const name = setting(z.string(), { meaning: "Name.", allowed: "a name", placeholder: "VARIABLE" });
    const value = setting(z.string(), { meaning: "Value.", allowed: "a text" });
    const rows = settingRows(z.record(name, value), "env");
    assert.deepEqual(
      rows.map(({ key, meaning }) => [key, meaning]),
      [
        ["env.VARIABLE", "Name."],
        ["env.VARIABLE", "Value."],
      ],
    );
  });
});

describe("secretsInClear", () => {
  it("the warning about plain-text secrets does not name a secret that is generated, nor a plain variable", () => {
    const hello = { secrets: { TOKEN: { generate: true }, OTHER: { generate: 20 } }, environment: { API_TOKEN: "x" } };
    assert.deepEqual(secretsInClear(raw({ apps: { hello } })), []);
  });

  const server = {
    kind: "ssh",
    sudoPassword: "hunter2",
    privateKey: "key",
    bastion: { privateKeyPassphrase: "x", user: "jumper" },
  };

  it("the warning about plain-text secrets names every secret that is not encrypted in the stack's file", () => {
    assert.deepEqual(secretsInClear(raw({ server, apps: { hello: { secrets: { TOKEN: "x" } } } })), [
      "server.sudoPassword",
      "server.privateKey",
      "server.bastion.privateKeyPassphrase",
      "apps.hello.secrets.TOKEN",
    ]);
  });

  it("the warning about plain-text secrets does not name an encrypted secret", () => {
    assert.deepEqual(secretsInClear(raw({ server }, { secrets: ["uwsgi-nginx:server"] })), []);
  });

  it("the warning about plain-text secrets names those beside an encrypted one, which may be a whole map", () => {
    const settings = { server, apps: { hello: { secrets: { A: "x", B: "x" }, pip: { secrets: { C: "x" } } } } };
    const encrypted: SettingPath[] = [
      ["server", "bastion"],
      ["server", "privateKey"],
      ["apps", "hello", "secrets", "B"],
    ];
    const secrets = ["uwsgi-nginx:server", "uwsgi-nginx:apps"];
    assert.deepEqual(secretsInClear(raw(settings, { secrets, encrypted })), [
      "server.sudoPassword",
      "apps.hello.secrets.A",
      "apps.hello.pip.secrets.C",
    ]);
    // Those of the apps come from another file.
    assert.deepEqual(secretsInClear(raw(settings, { secrets, encrypted: encrypted.slice(0, 2) })), [
      "server.sudoPassword",
    ]);
  });

  it("the warning about plain-text secrets does not name a setting that is not a secret", () => {
    const publicServer = { kind: "ssh", hostKey: "key", proxy: "http://a.org", mirrors: { epel: ["http://b.org"] } };
    assert.deepEqual(secretsInClear(raw({ server: publicServer, no: 1 })), []);
    assert.deepEqual(secretsInClear(raw(aws())), []);
  });
});

describe("settings that are set as secrets", () => {
  it("a plain variable that is set as a secret is refused, and the error says where secrets belong", () => {
    const settings = app({ environment: { TOKEN: "hunter2" }, secrets: { KEY: "x" } });
    const encrypted: SettingPath[] = [
      ["apps", "hello", "environment", "TOKEN"],
      ["apps", "hello", "secrets", "KEY"],
    ];
    assert.deepEqual(mistakes(settings, { secrets: ["uwsgi-nginx:apps"], encrypted }), [
      mistake(
        "apps.hello.environment.TOKEN: set as a secret, but it is not kept secret. The state, previews and files on the server show it.",
        "set it as apps.hello.secrets.TOKEN instead, and remove it here.",
      ),
    ]);
  });

  const shown = "The state, previews and files on the server show it.";
  const notKept = (key: string) =>
    mistake(
      `${key}: set as a secret, but it is not kept secret. ${shown}`,
      "remove any password from it, and set it without --secret.",
    );
  const settings = {
    server: { ...ssh().server, sudoPassword: "a", user: "admin", pipIndex: "https://pypi.example.org/simple" },
    apps: { hello: { secrets: { TOKEN: "b" }, healthCheck: { path: "/b" }, domains: ["a.org", "b.org"] } },
  };
  const secrets = ["uwsgi-nginx:server", "uwsgi-nginx:apps"];
  const kept: SettingPath[] = [
    ["server", "sudoPassword"],
    ["apps", "hello", "secrets", "TOKEN"],
  ];

  it("are found in the stack's file at any depth, with the project's namespace or without", () => {
    const secure = { secure: "v1:abc" };
    const config = {
      "uwsgi-nginx:apps": { hello: { domains: ["a.org", secure], secrets: { TOKEN: secure, PLAIN: "x" } } },
      server: { user: "admin", bastion: { privateKey: secure } },
      "uwsgi-nginx:uwsgi": secure,
      "aws:token": secure,
    };
    assert.deepEqual(encryptedPaths("uwsgi-nginx", config), [
      ["apps", "hello", "domains", 1],
      ["apps", "hello", "secrets", "TOKEN"],
      ["server", "bastion", "privateKey"],
      ["uwsgi"],
    ]);
    assert.deepEqual(encryptedPaths("uwsgi-nginx", undefined), []);
  });

  it("are accepted where they are kept secret, beside others that are set in clear", () => {
    load(settings, { secrets, encrypted: kept });
    // Secrets that do not come from the stack's file.
    load(settings, { secrets });
  });

  it("are refused where the program would show them, without showing them", () => {
    const wrong: SettingPath[] = [
      ["server", "pipIndex"],
      ["server", "user"],
      ["apps", "hello", "healthCheck", "path"],
      ["apps", "hello", "domains", 1],
    ];
    assert.deepEqual(
      mistakes(settings, { secrets, encrypted: [...kept, ...wrong] }),
      ["server.pipIndex", "server.user", "apps.hello.healthCheck.path", "apps.hello.domains[1]"].map(notKept),
    );
  });

  it("are refused if all settings are a single secret", () => {
    const oneByOne =
      "set the settings in it one by one with --path, and with --secret only those that docs/settings.md calls secrets.";
    assert.deepEqual(mistakes(settings, { secrets, encrypted: [["apps"], ["server", "sudoPassword"]] }), [
      mistake(`apps: set as a single secret, but not all of it is kept secret. ${shown}`, oneByOne),
    ]);
  });

  it("are refused if it is only known that one of them is a secret, and none is kept secret", () => {
    const { apps } = settings;
    assert.deepEqual(mistakes({ server: { proxy: "http://p:1" }, apps }, { secrets, encrypted: kept.slice(1) }), [
      mistake(
        `server: something in it is set as a secret, but nothing in it is kept secret. ${shown}`,
        "remove passwords from it, and set it without --secret.",
      ),
    ]);
  });

  it("are only reported as unknown where there is no such setting", () => {
    const server = { sudoPasswort: "a" };
    const found = mistakes({ server }, { secrets: secrets.slice(0, 1), encrypted: [["server", "sudoPasswort"]] });
    assert.deepEqual([found.length, found[0]?.split(".")[1]], [1, "sudoPasswort: unknown setting"]);
  });
});
