// Where uWSGI comes from: what is decided, and what the server's script does, with fakes of pip and of uWSGI.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Platform, platforms } from "../../platforms";
import { withHashes } from "../../platforms/pythonPackages";
import { planServer } from "../../rendering/server";
import { sourceVersion, type UwsgiSettings } from "../../settings/uwsgi";
import { FakeTools } from "../support/fakeTools";
import { buildParts, withoutUnit } from "../support/withoutUnit";
import { root } from "../support/root";
import { defaultDownloads, helloFiles, helloPlan, toolkit } from "../support/plans";

const { debian12, centos7 } = platforms;

/** What the server gets for uWSGI. */
function server(uwsgi: UwsgiSettings, platform: Platform, ...pythons: string[]) {
  const apps = pythons.map((python) => ({ python, packages: [] }));
  const { manifest, shown } = planServer({
    ...{ stack: "p/s", loginUser: "root", platform, downloads: defaultDownloads, uwsgi, toolkit, apps },
  });
  const { packages = "", uwsgi_executable, pythons: lines = "" } = manifest;
  return {
    packages: packages.split(" ").filter((name) => !platform.packages.base.includes(name)),
    executable: uwsgi_executable,
    wheels: lines
      .trim()
      .split("\n")
      .map((line) => {
        const [name, folder, , requirement] = line.split("|");
        return [name, folder, requirement].join(" ").trim();
      }),
    shown: shown.uwsgi,
  };
}

/** What an app gets for it. */
function app(uwsgi: UwsgiSettings, platform: Platform, python: string) {
  const { wheels, uwsgi_requirement, uwsgi_executable } = helloPlan({ python }, { uwsgi, platform }).manifest;
  return [wheels, uwsgi_requirement, uwsgi_executable].join(" ").trim();
}

describe("where uWSGI comes from", () => {
  it("it is compiled with the newest version, and only then there is a compiler", () => {
    assert.deepEqual(server({ from: "source" }, debian12, "3"), {
      packages: ["gcc", "libc6-dev", "python3", "python3-dev", "python3-venv"],
      executable: "",
      wheels: [`3 /opt/uwsgi/source-${sourceVersion}-python3 ${withHashes(`uwsgi==${sourceVersion}`)}`],
      shown: `source ${sourceVersion}`,
    });
    assert.deepEqual(server({ from: "source", version: "2.0.30" }, centos7, "2.7", "3"), {
      packages: ["gcc", "python", "python-devel", "python-pip", "python3", "python3-devel"],
      executable: "",
      wheels: [
        "2.7 /opt/uwsgi/source-2.0.30-python2.7 uwsgi==2.0.30",
        "3 /opt/uwsgi/source-2.0.30-python3 uwsgi==2.0.30",
      ],
      shown: "source 2.0.30",
    });
    assert.equal(
      app({ from: "source" }, debian12, "3"),
      `/opt/uwsgi/source-${sourceVersion}-python3 uwsgi==${sourceVersion}`,
    );
  });

  it("a wheel has the version that there is for the Python", () => {
    assert.deepEqual(server({ from: "wheel" }, debian12, "3"), {
      packages: ["python3", "python3-venv"],
      executable: "",
      wheels: [`3 /opt/uwsgi/wheel-2.0.30.post1-python3 ${withHashes("pyuwsgi==2.0.30.post1")}`],
      shown: "wheel 2.0.30.post1",
    });
    assert.deepEqual(server({ from: "wheel" }, centos7, "2.7", "3.6"), {
      packages: ["python", "python-pip", "python3"],
      executable: "",
      wheels: [
        `2.7 /opt/uwsgi/wheel-2.0.19.1-python2.7 ${withHashes("pyuwsgi==2.0.19.1")}`,
        `3.6 /opt/uwsgi/wheel-2.0.20-python3.6 ${withHashes("pyuwsgi==2.0.20")}`,
      ],
      shown: "wheel 2.0.19.1, wheel 2.0.20",
    });
    assert.equal(
      app({ from: "wheel", version: "2.0.29" }, debian12, "3"),
      "/opt/uwsgi/wheel-2.0.29-python3 pyuwsgi==2.0.29",
    );
  });

  it("whatever is downloaded by default has a known hash, and what a user has chosen has none", () => {
    const all = Object.values(platforms).flatMap((platform: Platform) =>
      Object.values(platform.pythons).flatMap(({ pyuwsgi, virtualenv, tools, compileTools }) => [
        ...[`pyuwsgi==${pyuwsgi}`, ...tools, ...compileTools],
        ...(virtualenv === undefined ? [] : [`virtualenv==${virtualenv}`]),
      ]),
    );
    for (const requirement of [...all, `uwsgi==${sourceVersion}`])
      assert.match(withHashes(requirement), /^\S+==\S+( --hash=sha256:[0-9a-f]{64})+$/);
    assert.equal(withHashes("uwsgi==2.0.30"), "uwsgi==2.0.30");
  });

  it("the distribution's has a plugin for the Python", () => {
    const from = "distribution";
    assert.deepEqual(server({ from }, debian12, "3"), {
      packages: ["python3", "python3-venv", "uwsgi-core", "uwsgi-plugin-python3"],
      executable: "/usr/bin/uwsgi",
      wheels: ["3"],
      shown: "distribution",
    });
    assert.deepEqual(server({ from, version: "2.0.20" }, centos7, "2.7", "3"), {
      packages: ["python", "python-pip", "python3", "uwsgi", "uwsgi-plugin-python2", "uwsgi-plugin-python36"],
      executable: "/usr/sbin/uwsgi",
      wheels: ["2.7", "3"],
      shown: "distribution 2.0.20",
    });
    assert.equal(app({ from }, centos7, "2.7"), "/usr/sbin/uwsgi");
    const plugin = (platform: Platform, python: string) =>
      helloFiles({ python }, { platform, uwsgi: { from } }).ini.split("\n").slice(0, 2).join(" ");
    assert.equal(plugin(debian12, "3"), "[uwsgi] plugin = python3");
    assert.equal(plugin(centos7, "2.7"), "[uwsgi] plugin = python");
    assert.equal(plugin(centos7, "3.6"), "[uwsgi] plugin = python36");
  });

  it("the unit and the ini are the same, wherever it comes from", () => {
    const files = (from: UwsgiSettings["from"]) => helloFiles({}, { uwsgi: { from } });
    for (const from of ["wheel", "distribution"] as const) {
      assert.equal(files(from).unit, files("source").unit);
      const own = /^plugin = python3\n# The release .*\nenv = @\(\/opt\/apps\/hello\/current\/id\)\n/m;
      assert.equal(files(from).ini.replace(own, ""), files("source").ini);
    }
  });

  it("environments with uWSGI from another place are others", () => {
    const venvs = (["source", "wheel", "distribution"] as const).map(
      (from) => helloPlan({}, { uwsgi: { from, version: "2.0.30" } }).manifest.venv,
    );
    assert.equal(new Set(venvs).size, 3, venvs.join(" "));
  });
});

describe("the documentation of where uWSGI comes from", () => {
  it("has the versions of the platforms", () => {
    const text = readFileSync(join(root, "docs/how-it-works.md"), "utf8");
    const row = (from: string) => text.split("\n").find((line) => line.startsWith(`| \`${from}\``)) ?? "";
    assert.equal(row("source").split(sourceVersion).length, 3, "The row should have the version for each platform.");
    const pythons = Object.values(platforms).flatMap((platform: Platform) => Object.values(platform.pythons));
    for (const { pyuwsgi } of pythons) {
      const version = pyuwsgi.replace(/\.post.*/, "");
      assert.ok(row("wheel").includes(version), `The row of wheel should name ${version}: ${row("wheel")}`);
    }
  });
});

describe("uWSGI on a server", () => {
  let tools: FakeTools;
  const pip = (found: string) => `
case "$*" in
  *"-m venv "*) mkdir -p "\${!#}/bin" "\${!#}/lib/python3/site-packages"; cp "$0" "\${!#}/bin/python" ;;
  *" download "*|*" wheel "*)
    ${found}
    mkdir -p "$FAKE/build/work/wheels" ;;
  *" --no-index "*) printf '#!/bin/sh\\necho 2.0.30\\n' > "\${0%/*}/uwsgi"; chmod 755 "\${0%/*}/uwsgi" ;;
  --version) echo Python 3.11.2 ;;
  *platform*) echo 3.11.2 ;;
esac`;
  const missing = (versions: string) =>
    pip(
      `echo "ERROR: Could not find a version that satisfies the requirement x==9.9 (from versions: ${versions})"; exit 1`,
    );
  const line = (requirement: string) => `3|$FAKE/opt/it|$FAKE/opt/seed|${requirement}|$FAKE/python3|-I|||wheel==1`;
  const run = (from: string, commands: string) =>
    tools.run(
      [...buildParts, "uwsgi.sh"],
      `${withoutUnit}
       set +e; (set -e; wheels_folder=$FAKE/opt ca_bundle= pip_index= proxy= title='Debian 12' uwsgi_from=${from} uwsgi_executable=$FAKE/uwsgi uwsgi_version=\${version:-}
       ${commands})`,
    );
  beforeEach(() => {
    tools = new FakeTools().add("python3", pip(":")).add("uwsgi", "echo 2.0.21-debian");
    mkdirSync(join(tools.folder, "opt"));
  });
  afterEach(() => {
    tools.remove();
  });

  for (const [from, requirement, says, fetched] of [
    ["source", "uwsgi==2.0.30", "compiling", "wheel --no-deps --no-build-isolation --no-binary uwsgi --wheel-dir"],
    ["wheel", "pyuwsgi==2.0.30", "downloading", "download --no-deps --only-binary :all: --dest"],
  ] as const) {
    it(`it is made once from ${from === "source" ? from : `a ${from}`}, and its version is what it says`, () => {
      const { code, stderr, calls } = run(
        from,
        `build_wheel "${line(requirement)}"; build_wheel "${line(requirement)}"`,
      );
      assert.equal(stderr, `uWSGI 2.0.30: ${says} for Python 3.11.2\n`);
      assert.equal(code, 0);
      const work = join(tools.folder, "build/work");
      const known = `--requirement ${join(tools.folder, "build/known.txt")}`;
      assert.deepEqual(
        calls.filter((call) => call.includes(" -m ")),
        [
          `python3 -I -m venv ${work}/environment`,
          ...(from === "source" ? [`python3 -m pip install ${known}`] : []),
          `python3 -m pip ${fetched} ${work}/wheels ${known}`,
          `python3 -m pip install --no-index --find-links ${work}/wheels ${requirement}`,
        ],
      );
      assert.equal(readFileSync(join(tools.folder, "opt/it/version"), "utf8"), "2.0.30\n");
      assert.ok(!existsSync(join(tools.folder, "build")), "what it was made with should be removed");
      const { stdout } = run(from, `pythons="${line(requirement)}"; versions`);
      assert.equal(stdout, '{"3": {"uwsgi": "2.0.30", "python": "3.11.2"}}\n');
    });
  }

  it("a version that the package index does not have is an error with those that it has", () => {
    tools.add("python3", missing("2.0.17.2a1, 2.0.19, 2.0.27a1, 2.0.27.post1, 2.0.30"));
    const { code, stderr } = run("wheel", `build_wheel "${line("pyuwsgi==9.9")}"`);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `uWSGI 9.9: downloading for Python 3.11.2
Error: The package index has no wheel of uWSGI 9.9 for Python 3.11.2. It has the versions below.
    2.0.19, 2.0.27.post1, 2.0.30
Fix: set uwsgi.version to one of them, or remove it; or change uwsgi.from.
`,
    );
  });

  it("if the package index has no version at all, the error shows what pip says", () => {
    tools.add("python3", missing("none"));
    const { code, stderr } = run("wheel", `build_wheel "${line("pyuwsgi==9.9")}"`);
    assert.equal(code, 1);
    assert.match(stderr, /Error: Downloading uWSGI failed\.\n[^]*from versions: none[^]*\nFix: .* change uwsgi\.from/);
  });

  it("the distribution's is asked for its version, and is refused if another one is wanted", () => {
    const line = `pythons="3||$FAKE/opt/seed||$FAKE/python3|-I||"`;
    assert.equal(
      run("distribution", `${line}; versions`).stdout,
      '{"3": {"uwsgi": "2.0.21-debian", "python": "3.11.2"}}\n',
    );
    assert.equal(run("distribution", "require_packaged_version").code, 0);
    assert.equal(run("distribution", "version=2.0.21; uwsgi_version=2.0.21; require_packaged_version").code, 0);
    const { code, stderr } = run("distribution", "uwsgi_version=2.0.31; require_packaged_version");
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "Error: The packages of Debian 12 have no uWSGI 2.0.31. They have 2.0.21.\n" +
        "Fix: remove uwsgi.version, or set it to 2.0.21; or change uwsgi.from.\n",
    );
  });

  it("without a compiler, the error of requirements that cannot be installed says which packages compile them", () => {
    tools.add(
      "python3",
      'case "$*" in *"-m venv "*) mkdir -p "${!#}/bin"; cp "$0" "${!#}/bin/python" ;; *requirement*) exit 1 ;; *) echo Python 3.11.2 ;; esac',
    );
    const install = (compiler: boolean) =>
      tools.run(
        [...buildParts, "pip.sh", "environment.sh"],
        `${withoutUnit}
       copy_code_for_pip() { :; }
       command() { [[ $* != "-v gcc" || ${String(compiler)} == true ]]; }
         app=hello venv=$FAKE/venv work=$FAKE cache_folder=$FAKE ca_bundle= pip_index= proxy= virtualenv= tools= seed=/nonexistent isolation=-I
         python=$FAKE/python3 requirements=flask requirements_file= pip_indexes= pip_secrets= pip_packages= newer_pythons= compiler='gcc python3-dev'; install_requirements`,
      ).stderr;
    const advice = " If one of them is compiled, add these packages to apps.hello.packages: gcc python3-dev.";
    assert.ok(install(false).endsWith(`choose an older release of it.${advice}\n`), install(false));
    assert.ok(install(true).endsWith("choose an older release of it.\n"), install(true));
  });

  it("an app's environment gets the distribution's as a link, and keeps what its requirements bring", () => {
    const install = (executable: string) =>
      tools.run(
        [...buildParts, "environment.sh"],
        `${withoutUnit}
       set +e; (set -e; app=hello venv=$FAKE/venv wheels=/opt/uwsgi/x uwsgi_requirement=uwsgi==1 uwsgi_executable=${executable}
         mkdir -p "$venv/bin"; ln -sf "$FAKE/python" "$venv/bin/python"; install_uwsgi; readlink "$venv/bin/uwsgi")`,
      );
    tools.add("python");
    assert.deepEqual(install("").calls, ["python -m pip install --no-index --find-links /opt/uwsgi/x uwsgi==1"]);
    assert.equal(install("$FAKE/uwsgi").stdout, `${tools.folder}/uwsgi\n`);
    tools.add("uwsgi", "echo 2.0.30");
    assert.deepEqual(install("").calls, ["uwsgi --version"], "what is there should stay");
    assert.equal(
      install("$FAKE/uwsgi").stderr,
      "Error: The requirements of app hello install a uWSGI of their own, and uwsgi.from is distribution.\n" +
        "Fix: remove uwsgi and pyuwsgi from the requirements, or set uwsgi.from to source or wheel.\n",
    );
    const version =
      'ln -sf /etc/hostname "$FAKE/uwsgi-version"; uwsgi_version_of "$FAKE"; uwsgi_version_of "$FAKE/venv"';
    assert.equal(tools.run([...buildParts, "environment.sh"], version).stdout, "2.0.30");
  });
});
