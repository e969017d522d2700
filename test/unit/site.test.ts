// site.sh with rendered sites, which it changes in two cases.
import assert from "node:assert/strict";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";
import { helloFiles, helloPlan } from "../support/plans";

const siteOf = (domains: readonly string[]) => helloFiles({ domains }).site;

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
    tools.run(["site.sh"], `domains=${quote(taken.join(" "))}; without_names <<< ${quote(siteOf(domains))}`);

  it("a site keeps the names that another app does not take over", () => {
    const { code, stdout } = withoutNames(["a.org", "b.org", "*.c.org"], ["b.org", "other.org"]);
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd(), siteOf(["a.org", "*.c.org"]).trimEnd());
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
      assert.equal(stdout.trimEnd(), siteOf(domains).trimEnd());
    }
  });

  for (const domains of [[], ["a.org"]]) {
    it(`the directive that a server without IPv6 must not have is in the site once: ${domains.join() || "default server"}`, () => {
      const { nginx_conf: site = "", ipv6_listen: ipv6Listen } = helloPlan({ domains }).manifest;
      assert.deepEqual(
        site.split("\n").filter((line) => line.includes("[::]")),
        [`    ${ipv6Listen}`],
      );
    });
  }
});
