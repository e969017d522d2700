// activate-site.sh with rendered sites, which it changes in two cases.
import assert from "node:assert/strict";
import { platforms } from "../../platforms";
import { planApp } from "../../rendering/app";
import { quote } from "../../rendering/shell";
import { appSchema } from "../../settings/apps";
import { FakeTools } from "../support/fakeTools";

const source = { hash: "0123", archive: "", requirements: "" };
const plan = (domains: readonly string[]) =>
  planApp("hello", appSchema.parse({ domains }), source, platforms.debian12, "2.0.31");

describe("changes to a rendered site", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  /** The site of an app with `domains` after another app has taken over `taken`. */
  const withoutNames = (domains: readonly string[], taken: readonly string[]) =>
    tools.run(
      ["activate-site.sh"],
      `domains=${quote(taken.join(" "))}; without_names <<< ${quote(plan(domains).site)}`,
    );

  it("a site keeps the names that another app does not take over", () => {
    const { code, stdout } = withoutNames(["a.org", "b.org", "*.c.org"], ["b.org", "other.org"]);
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd(), plan(["a.org", "*.c.org"]).site.trimEnd());
  });

  it("a site is removed if another app takes over all its names", () => {
    assert.equal(withoutNames(["a.org"], ["a.org", "b.org"]).code, 1);
    assert.equal(withoutNames([], []).code, 1);
  });

  it("a site does not change if another app takes over none of its names", () => {
    for (const [domains, taken] of [
      [["a.org"], ["b.org"]],
      [["a.org"], []],
      [[], ["a.org"]],
    ] as const) {
      const { code, stdout } = withoutNames(domains, taken);
      assert.equal(code, 0);
      assert.equal(stdout.trimEnd(), plan(domains).site.trimEnd());
    }
  });

  for (const domains of [[], ["a.org"]]) {
    it(`the directive that a server without IPv6 must not have is in the site once: ${domains.join() || "default server"}`, () => {
      const { site, ipv6Listen } = plan(domains);
      assert.deepEqual(
        site.split("\n").filter((line) => line.includes("[::]")),
        [`    ${ipv6Listen}`],
      );
    });
  }
});
