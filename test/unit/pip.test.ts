// What is shown of pip's output if requirements cannot be installed, and what to do about it (assets/toolkit/pip.sh). The outputs
// have the shape of pip 20.3 on Python 2.7 and of pip 23 on Python 3.11.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platforms, type Platform } from "../../platforms";
import { pipPackages } from "../../rendering/requirements";
import { FakeTools } from "../support/fakeTools";
import { buildParts, withoutUnit } from "../support/withoutUnit";

const { debian12, centos7 } = platforms;

interface Given {
  platform?: Platform;
  python?: string;
  compiler?: boolean;
  settings?: string;
}

const retries = [4, 3].map(
  (left) =>
    `WARNING: Retrying (Retry(total=${left}, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/six/`,
);
const none = (name: string) => [
  `ERROR: Could not find a version that satisfies the requirement ${name} (from versions: none)`,
  `ERROR: No matching distribution found for ${name}`,
];
const building = (...lines: string[]) => [
  "Collecting psycopg2",
  "  Downloading psycopg2-2.9.9.tar.gz (384 kB)",
  "  error: subprocess-exited-with-error",
  "  × Building wheel for psycopg2 (setup.py) did not run successfully.",
  "  │ exit code: 1",
  "  ╰─> [21 lines of output]",
  "      running egg_info",
  ...lines.map((line) => `      ${line}`),
  "      [end of output]",
  "  note: This error originates from a subprocess, and is likely not a problem with pip.",
  "[notice] A new release of pip is available: 23.0.1 -> 24.0",
];

describe("an error of pip", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  const ask = (called: string, lines: readonly string[], given: Given = {}) => {
    const { platform = debian12, python = "3", compiler = true, settings = "" } = given;
    writeFileSync(join(tools.folder, "output"), `${lines.join("\n")}\n`);
    const { stdout, stderr } = tools.run(
      [...buildParts, "pip.sh"],
      `command() { [[ $* != "-v gcc" || ${String(compiler)} == true ]]; }
       unset PIP_INDEX_URL; app=shop newer_pythons= pip_secrets= compiler='gcc python3-dev' pip_packages='${pipPackages(platform, python)}' ${settings}
       ${called} < "$FAKE/output"`,
    );
    assert.equal(stderr, "");
    return stdout;
  };
  const advice = (lines: readonly string[], given?: Given) => ask("pip_advice 'Python 3.11.2'", lines, given);

  const add = (packages: string) =>
    `add these packages to apps.shop.packages: [${packages}]; or choose releases of the requirements that are there as wheels.`;
  for (const [line, packages, onCentos] of [
    ["Error: pg_config executable not found.", "libpq-dev", "postgresql-devel"],
    ["./psycopg/psycopg.h:35:10: fatal error: libpq-fe.h: No such file or directory", "libpq-dev", "postgresql-devel"],
    ["/bin/sh: 1: mysql_config: not found", "default-libmysqlclient-dev, pkg-config", "mariadb-devel"],
    ["Exception: Can not find valid pkg-config name.", "default-libmysqlclient-dev, pkg-config", "mariadb-devel"],
    ["src/x.c:1:20: fatal error: Python.h: No such file or directory", "python3-dev", "python-devel"],
    ["c/_cffi_backend.c:15:17: fatal error: ffi.h: No such file or directory", "libffi-dev", "libffi-devel"],
    ["_openssl.c:2:30: fatal error: openssl/opensslv.h: No such file or directory", "libssl-dev", "openssl-devel"],
    [
      "Error: Please make sure the libxml2 and libxslt development packages are installed.",
      "libxml2-dev, libxslt1-dev",
      "libxml2-devel, libxslt-devel",
    ],
    [
      "The headers or library files could not be found for jpeg,",
      "libjpeg-dev, zlib1g-dev",
      "libjpeg-turbo-devel, zlib-devel",
    ],
    [
      "Modules/constants.h:7:10: fatal error: lber.h: No such file or directory",
      "libldap2-dev, libsasl2-dev",
      "openldap-devel, cyrus-sasl-devel",
    ],
    ["zlib.c:1:10: fatal error: zlib.h: No such file or directory", "zlib1g-dev", "zlib-devel"],
    ["ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?", "git", "git"],
    [
      "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
      "gcc, libc6-dev, python3-dev",
      "gcc, python-devel",
    ],
    ["unable to execute gcc: No such file or directory", "gcc, libc6-dev, python3-dev", "gcc, python-devel"],
    ["error: command 'g++' failed: No such file or directory", "g++", "gcc-c++"],
    ["gcc: fatal error: cannot execute 'cc1plus': execvp: No such file or directory", "g++", "gcc-c++"],
    ["error: can't find Rust compiler", "cargo", "cargo"],
    [
      "Cargo, the Rust package manager, is not installed or is not on PATH. This package requires Rust and Cargo",
      "cargo",
      "cargo",
    ],
    ["FileNotFoundError: [Errno 2] No such file or directory: 'make'", "make", "make"],
    ["RuntimeError: CMake must be installed to build", "cmake", "cmake"],
    ["/bin/sh: pkg-config: command not found", "pkg-config", "pkgconfig"],
  ] as const) {
    it(`names the packages that are missing: ${line}`, () => {
      assert.equal(advice(building(line)), add(packages));
      assert.equal(advice(building(line), { platform: centos7, python: "2.7" }), add(onCentos));
      assert.ok(ask("pip_lines", building(line)).includes(line), ask("pip_lines", building(line)));
    });
  }

  it("names the compiler too, if that will be missing next", () => {
    const line = "Error: pg_config executable not found.";
    assert.equal(advice(building(line), { compiler: false }), add("libpq-dev, python3-dev, gcc, libc6-dev"));
  });

  it("says which versions there are, and of another Python only where there is one", () => {
    const versions = Array.from({ length: 30 }, (_, index) => `1.${index}`).join(", ");
    const lines = [
      `ERROR: Could not find a version that satisfies the requirement flask==99 (from versions: ${versions})`,
      "ERROR: No matching distribution found for flask==99",
    ];
    assert.equal(
      ask("pip_lines", ["Collecting six", ...lines, "[notice] A new release"]),
      "ERROR: Could not find a version that satisfies the requirement flask==99 (from versions: …, 1.22, 1.23, 1.24, 1.25, 1.26, 1.27, 1.28, 1.29)\n" +
        "ERROR: No matching distribution found for flask==99\n",
    );
    assert.equal(advice(lines), "choose one of these versions: they are those for Python 3.11.2.");
    assert.equal(
      advice(lines, { settings: "newer_pythons='3 3.6'" }),
      "choose one of these versions: they are those for Python 3.11.2, or set apps.shop.python to 3.",
    );
  });

  it("says that the Python is too old, and of another one only where there is one", () => {
    const lines = ["ERROR: Package 'shop' requires a different Python: 3.11.2 not in '>=3.12'"];
    const text = "choose releases of the requirements that run on the server's Python 3.11.2";
    assert.equal(advice(lines), `${text}.`);
    assert.equal(advice(lines, { settings: "newer_pythons=3" }), `${text}, or set apps.shop.python to 3.`);
    assert.equal(
      advice([
        "ERROR: Ignored the following versions that require a different python version: 5.0 Requires-Python >=3.12",
        "ERROR: Could not find a version that satisfies the requirement django==5.0 (from versions: 1.1, 4.2)",
      ]),
      `${text}.`,
    );
  });

  it("tells an index that cannot be reached from one that wants a password and from one that lacks the package", () => {
    assert.equal(
      advice([...retries, ...none("six")]),
      "make sure that the server reaches the package index (curl), or set apps.shop.pip.index, server.pipIndex or server.proxy to one that it reaches.",
    );
    const max =
      "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='i.org', port=443): Max retries exceeded with url: /six.whl (Caused by ProxyError('Cannot connect to proxy.'))";
    const own = { settings: "build_variables=(PIP_INDEX_URL=https://me:x@i.org:8/simple)" };
    assert.match(advice([max], own), /^make sure that the server reaches i\.org \(curl\)/);
    assert.equal(
      ask("pip_lines", [...retries, ...none("six")]).split("\n")[0],
      "connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/six/",
    );
    const wants = ["WARNING: 401 Error, Credentials not correct for https://i.org/simple/own/", ...none("own")];
    assert.match(
      advice(wants),
      /^give pip the password of the package index: write it as \$\{NAME\} into apps\.shop\.pip\.index, and set/,
    );
    assert.match(advice(wants, { settings: "pip_secrets=1" }), /^correct the values in apps\.shop\.pip\.secrets/);
    assert.match(
      advice(none("own")),
      /^correct the name of the requirement\. If it comes from another index, set apps\.shop\.pip\.index/,
    );
    // What was retried has worked.
    assert.equal(advice([...retries, ...building("Error: pg_config executable not found.")]), add("libpq-dev"));
  });

  it("knows wrong hashes, certificates and full disks", () => {
    const hashes = [
      "Collecting six==1.16.0",
      "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.",
      "    six==1.16.0 from https://i.org/six.whl (from -r r.txt (line 1)):",
      "        Expected sha256 00",
      "             Got        8a",
    ];
    assert.match(advice(hashes), /^find out why the package index has another file than the requirements say/);
    assert.equal(ask("pip_lines", hashes), `${hashes.slice(1).join("\n")}\n`);
    assert.match(
      advice(["ERROR: Hashes are required in --require-hashes mode, but"]),
      /^add a hash to each requirement/,
    );
    assert.match(
      advice([
        "Could not fetch URL https://i.org/: (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate'))) - skipping",
        ...none("six"),
      ]),
      /set server\.caCertificates to the certificates of whoever has signed/,
    );
    assert.match(
      advice(["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"]),
      /^free some disk space/,
    );
  });

  it("that is none of these shows its last lines", () => {
    assert.equal(ask("pip_lines", ["something odd"]), "something odd\n");
    assert.equal(
      advice(["something odd"], { compiler: false }),
      "correct the requirements. If one of them needs a newer Python than the server's Python 3.11.2, choose an older release of it. If one of them is compiled, add these packages to apps.shop.packages: gcc python3-dev.",
    );
  });
});

describe("pip in a build", () => {
  let tools: FakeTools;
  afterEach(() => {
    tools.remove();
  });

  it("runs in the app's code with the secrets, which its error does not show", () => {
    tools = new FakeTools();
    const secrets = [
      "# id",
      "set TOKEN=s3cret&*",
      "netrc machine i.org login me password s3cret&*",
      "hide s3cret%26*",
      "hide s3cret&*",
      "# end of id",
    ];
    mkdirSync(join(tools.folder, "state/secrets"), { recursive: true });
    writeFileSync(join(tools.folder, "state/secrets/shop.pip"), `${secrets.join("\n")}\n`);
    const install = (id: string) =>
      tools.run(
        [...buildParts, "pip.sh"],
        `${withoutUnit}
         copy_code_for_pip() { :; }
         in_unit() { printf '%s\\n' "at $build_place" "\${build_variables[@]}" "\${@:4}" "$(cat "$FAKE/build/netrc")" "https://me:s3cret%26*@i.org"; false; }
         state_folder=$FAKE/state app=shop venv=$FAKE/venv python=echo requirements= requirements_file='r s.txt' newer_pythons= compiler= pip_packages=
         pip_indexes= pip_secrets=${id}; begin_build shop; run_requirements`,
      ).stderr;
    assert.match(
      install("id"),
      new RegExp(
        `^ {4}at ${tools.folder}/venv/code\n {4}TOKEN=\\[secret\\]\n {4}NETRC=${tools.folder}/build/netrc\n {4}COLUMNS=1000\n` +
          " {4}install\n {4}--requirement\n {4}r s\\.txt\n {4}machine i\\.org login me password \\[secret\\]\n {4}https://me:\\[secret\\]@i\\.org$",
        "m",
      ),
    );
    assert.match(
      install("other"),
      /^Error: The secrets of pip for app shop are not on the server anymore \(.*\)\.\nFix: change one of them \(apps\.shop\.pip\.secrets\)/m,
    );
  });
});
