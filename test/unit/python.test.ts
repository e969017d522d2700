// What pip is told, with doubles of Python and of the server's tools.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeTools } from "../support/fakeTools";

describe("pip on a server", () => {
  let tools: FakeTools;
  /** What every call of Python finds in its environment, once each. */
  function seen(variables = ""): string[] {
    const settings = "ca_bundle= pip_index= proxy= python=python2.7 virtualenv=16.7.12 tools=pip==20.3.4";
    const { code, stdout, stderr } = tools.run(
      ["python.sh"],
      `rm -f "$FAKE/seen"; unset PIP_INDEX_URL PIP_PROXY; HOME=$FAKE; ${settings} ${variables}
       pip_settings "$FAKE/cache"; make_environment "$FAKE/venv"; sort -u "$FAKE/seen"; wc -l < "$FAKE/seen"`,
    );
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split("\n");
    assert.equal(lines.pop(), "3", "virtualenv is fetched, makes the environment, and that gets its tools");
    return lines;
  }
  beforeEach(() => {
    const noteDown = 'echo "${PIP_INDEX_URL-none} ${PIP_PROXY-none} $LC_ALL" >> "$FAKE/seen"';
    tools = new FakeTools()
      .add("python2.7", `${noteDown}; mkdir -p "$FAKE/venv/bin"; cp "$0" "$FAKE/venv/bin/python" 2> /dev/null || true`)
      .add("locale", "printf '%s\\n' C POSIX en_US.utf8");
  });
  afterEach(() => {
    tools.remove();
  });

  it("asks PyPI by the name that it has today, whatever name this pip was made for", () => {
    assert.deepEqual(seen(), ["https://pypi.org/simple none en_US.utf8"]);
  });

  it("asks the index and the proxy of the settings", () => {
    assert.deepEqual(seen("pip_index=https://i.org/simple proxy=http://p:1"), [
      "https://i.org/simple http://p:1 en_US.utf8",
    ]);
  });

  it("asks the index that the server's own configuration names, unless the settings name one", () => {
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
    it(`reads files as UTF-8, with a locale that the server has: ${taken} of ${there}`, () => {
      tools.add("locale", `printf '%s\\n' ${there}`);
      assert.deepEqual(seen(), [`https://pypi.org/simple none ${taken}`]);
    });
  }
});
