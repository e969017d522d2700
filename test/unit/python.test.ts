// The environment of pip, with a fake Python.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeTools } from "../support/fakeTools";

describe("pip on a server", () => {
  let tools: FakeTools;
  /** The distinct environments of all calls of Python. */
  function seen(variables = ""): string[] {
    const settings = "ca_bundle= pip_index= proxy= python=python2.7 isolation= virtualenv=16.7.12 tools=pip==20.3.4";
    const { code, stdout, stderr } = tools.run(
      ["python.sh"],
      `rm -f "$FAKE/seen"; unset PIP_INDEX_URL PIP_PROXY; HOME=$FAKE; ${settings} ${variables}
       pip_settings "$FAKE/cache"; make_environment "$FAKE/venv"; sort -u "$FAKE/seen"; wc -l < "$FAKE/seen"`,
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
});
