// The environment of pip, with a fake Python.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeTools } from "../support/fakeTools";
import { buildParts, withoutUnit } from "../support/withoutUnit";

describe("pip on a server", () => {
  let tools: FakeTools;
  /** The distinct environments of all calls of Python. */
  function seen(variables = ""): string[] {
    const settings =
      "ca_bundle= pip_index= proxy= python=python2.7 isolation= virtualenv=virtualenv==16.7.12 tools=pip==20.3.4 seed=/nonexistent";
    const { code, stdout, stderr } = tools.run(
      buildParts,
      `${withoutUnit}
       rm -f "$FAKE/seen"; unset PIP_INDEX_URL PIP_PROXY; HOME=$FAKE; ${settings} ${variables}
       begin_build test; pip_settings "$FAKE/cache"; make_environment "$FAKE/venv"; sort -u "$FAKE/seen"; wc -l < "$FAKE/seen"`,
    );
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split("\n");
    assert.equal(
      lines.pop(),
      "3",
      "Python should be called three times: to fetch virtualenv, to make the environment and to install its tools.",
    );
    return lines;
  }
  beforeEach(() => {
    const record = 'echo "${PIP_INDEX_URL-none} ${PIP_PROXY-none} $LC_ALL" >> "$FAKE/seen"';
    tools = new FakeTools()
      .add("python2.7", `${record}; mkdir -p "$FAKE/venv/bin"; cp "$0" "$FAKE/venv/bin/python" 2> /dev/null || true`)
      .add("locale", "printf '%s\\n' C POSIX en_US.utf8");
  });
  afterEach(() => {
    tools.remove();
  });

  it("pip uses the current address of PyPI, even if its own default is an old one", () => {
    assert.deepEqual(seen(), ["https://pypi.org/simple none en_US.utf8"]);
  });

  it("pip uses the index and the proxy of the settings", () => {
    assert.deepEqual(seen("pip_index=https://i.org/simple proxy=http://p:1"), [
      "https://i.org/simple http://p:1 en_US.utf8",
    ]);
  });

  it("pip uses the index in the server's own configuration, unless the settings name one", () => {
    mkdirSync(join(tools.folder, ".config/pip"), { recursive: true });
    writeFileSync(join(tools.folder, ".config/pip/pip.conf"), "[global]\nindex-url = https://own.org/simple\n");
    assert.deepEqual(seen(), ["none none en_US.utf8"]);
    assert.deepEqual(seen("pip_index=https://i.org/simple"), ["https://i.org/simple none en_US.utf8"]);
  });

  for (const [there, taken] of [
    ["C C.UTF-8 POSIX", "C.UTF-8"],
    ["C C.utf8 POSIX de_DE.utf8 en_US.utf8", "C.utf8"],
    ["C POSIX de_DE.utf8 en_US en_US.iso88591 en_US.utf8", "en_US.utf8"],
    ["C POSIX de_DE.utf8", "C"],
  ] as const) {
    it(`builds run in a UTF-8 locale of the server: ${taken} of ${there}`, () => {
      tools.add("locale", `printf '%s\\n' ${there}`);
      assert.deepEqual(seen(), [`https://pypi.org/simple none ${taken}`]);
    });
  }

  for (const virtualenv of ["", "virtualenv==16.7.12"]) {
    const what = virtualenv === "" ? "" : ", with virtualenv too";
    it(`only the first environment gets pip from the package index, and its packages are copied into the others${what}`, () => {
      tools.add(
        "python3",
        `last=\${!#}
         case "$*" in
           *--target*) mkdir -p "$FAKE/build/work/seed/virtualenv"; touch "$FAKE/build/work/seed/virtualenv/virtualenv.py" ;;
           *install*) touch "\${0%/bin/*}/lib/python3/site-packages/tool" ;;
           *) mkdir -p "$last/bin" "$last/lib/python3/site-packages"; cp "$0" "$last/bin/python"
              [[ $* == *" --"*-pip* ]] || touch -d 2020-01-02 "$last/lib/python3/site-packages/pip.py" ;;
         esac`,
      );
      const { code, stdout, stderr, calls } = tools.run(
        buildParts,
        `${withoutUnit}
         HOME=$FAKE ca_bundle= pip_index= proxy= python=python3 isolation=-I virtualenv=${virtualenv} tools=pip==21.3.1
         seed=$FAKE/seed; mkdir "$FAKE/env"; begin_build test
         make_environment "$FAKE/env/1"; keep_seed "$FAKE/env/1"; make_environment "$FAKE/env/2"
         cd "$FAKE/env"; diff -r 1 2 || true; cat 2/bin/pip; date -r 2/lib/python3/site-packages/pip.py +%F`,
      );
      assert.equal(code, 0, stderr);
      const pip = `#!/bin/sh\nexec ${tools.folder}/env/2/bin/python -m pip "$@"`;
      assert.equal(stdout, `Only in 2/bin: pip\n${pip}\n2020-01-02\n`);
      const known = `--requirement ${tools.folder}/build/known.txt`;
      const seed = `${tools.folder}/seed/virtualenv/virtualenv.py`;
      const fetched = `${tools.folder}/build/work/seed/virtualenv`;
      assert.deepEqual(
        calls.filter((call) => call.startsWith("python3")),
        virtualenv === ""
          ? [
              `python3 -I -m venv ${tools.folder}/env/1`,
              `python3 -m pip install ${known}`,
              `python3 -I -m venv --without-pip ${tools.folder}/env/2`,
            ]
          : [
              `python3 -I -m pip install --no-deps --target ${fetched} ${known}`,
              `python3 -I ${fetched}/virtualenv.py --no-download --python python3 ${tools.folder}/env/1`,
              `python3 -m pip install ${known}`,
              `python3 -I ${seed} --no-download --no-pip --no-setuptools --no-wheel --python python3 ${tools.folder}/env/2`,
            ],
      );
    });
  }

  it("pip accepts only the packages whose hashes are known, if there are hashes, and the error says so of others", () => {
    const run = (requirements: string, words = "") => {
      tools.add("pip", `cat "\${!#}"; echo '${words}'; ${words === "" ? ":" : "exit 1"}`);
      return tools.run(
        buildParts,
        `${withoutUnit}
       begin_build test; what=Testing; run_pip '${requirements}' pip install || echo "failed: $output"
         echo "$output"`,
      );
    };
    const [a, b] = ["a".repeat(64), "b".repeat(64)];
    const known = run(`pip==1 --hash=sha256:${a} wheel==2 --hash=sha256:${a} --hash=sha256:${b}`);
    const lines = [`pip==1 --hash=sha256:${a}`, `wheel==2 --hash=sha256:${a} --hash=sha256:${b}`];
    assert.equal(known.stdout.trim(), lines.join("\n"));
    const file = join(tools.folder, "build/known.txt");
    assert.deepEqual(known.calls, [`pip install --require-hashes --requirement ${file}`]);
    assert.deepEqual(run("uwsgi==2.0.30").calls, [`pip install --requirement ${file}`]);
    const words =
      "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated\n    uwsgi==2.0.31";
    const { code, stderr } = run(`uwsgi==2.0.31 --hash=sha256:${a}`, words);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The package index has other packages than the original ones of uwsgi==2\.0\.31\. Their SHA-256 sums differ, so they were not installed\.\n {4}ERROR: THESE [^]*\nFix: set server\.pipIndex to an index that has the original packages\.$/m,
    );
    assert.match(run("uwsgi==2.0.30", words).stdout, /^failed: [^]*\nERROR: THESE PACKAGES/m);
  });

  it("builds get root's own configuration of pip", () => {
    mkdirSync(join(tools.folder, ".config/pip"), { recursive: true });
    writeFileSync(join(tools.folder, ".config/pip/pip.conf"), "[global]\ntimeout = 7\n");
    const { stdout } = tools.run(
      buildParts,
      `${withoutUnit}
       unset -f install; HOME=$FAKE ca_bundle= pip_index= proxy=; begin_build test; pip_settings /c
       cat "$build_work/.config/pip/pip.conf"`,
    );
    assert.equal(stdout, "[global]\ntimeout = 7\n");
  });
});
