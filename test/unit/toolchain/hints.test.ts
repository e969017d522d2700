import assert from "node:assert/strict";
import { errorIn } from "../../../toolchain/engine/events";
import { hints } from "../../../toolchain/engine/hints";

// Hints for errors of one kind of server: test/unit/serverHints.test.ts.
describe("hints for errors of the engine", () => {
  const cases: [string, RegExp][] = [
    ["dial unix /tmp/gone: connect: no such file or directory", /Fix: start the ssh-agent/],
    ["nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", /^A port of the server is in use/],
    ["tar: app/wsgi.py: Cannot write: No space left on device", /^A disk is full/],
    ["error: getting stack configuration: invalid YAML file: yaml: line 6: mapping values", /Pulumi\.dev\.yaml/],
  ];
  for (const [reported, hint] of cases) {
    it(`explain: ${reported}`, () => {
      const found = hints(`error: update failed\n${reported}\n`, "dev", []);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", hint);
      assert.match(found[0] ?? "", /^[A-Z][^\n]*\.\nFix: [a-z]/, "what failed, then how to fix it");
    });
  }

  it("put those of the server's kind first", () => {
    const ofKind = [{ pattern: /full/, hint: () => "of the kind" }];
    assert.equal(hints("No space left on device: full", "dev", ofKind)[0], "of the kind");
  });

  it("are not given for errors that say what to do", () => {
    const reported = "Error: the port 8080 of 127.0.0.1 is taken by another program; error: update failed";
    assert.deepEqual(hints(reported, "dev", []), []);
  });

  it("are found in error events only, because other events of the engine may contain secrets", () => {
    const event = (severity: string) => JSON.stringify({ diagnosticEvent: { severity, message: "text" } });
    assert.equal(errorIn(event("error")), "text");
    assert.equal(errorIn(event("debug")), "");
    assert.equal(errorIn(JSON.stringify({ preludeEvent: { config: {} } })), "");
  });
});
