// site.sh with rendered sites, which it changes in two cases.
import assert from "node:assert/strict";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";
import { helloFiles, helloPlan } from "../support/plans";

const siteOf = (domains: readonly string[]) => helloFiles({ domains }).site;

describe("names that another site on the server has", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  /** The end of require_own_names for an app with these names, if another site has `shop.example.org`. */
  const requireOwnNames = (domains: string) => {
    // nginx's warning, in which names are in lower case.
    const warning = 'nginx: [warn] conflicting server name "shop.example.org" on 0.0.0.0:80, ignored';
    const names = `app=hello; port=80; domains=${quote(domains)}; work=$FAKE; site=$FAKE/none; mkdir -p "$work/others"`;
    return tools.run(["site.sh"], `${names}; printf '%s\\n' ${quote(warning)} > "$work/nginx"; require_own_names`);
  };

  it("are an error, with capitals or without", () => {
    for (const name of ["shop.example.org", "Shop.Example.ORG"]) {
      const { code, stderr } = requireOwnNames(`a.org ${name}`);
      assert.equal(code, 1);
      assert.ok(stderr.includes(`Another site on this server already has the names ${name}.`), stderr);
    }
  });

  it("are no error if they only look alike", () => {
    for (const name of ["shop.example.org.uk", "example.org", "shopXexample.org"])
      assert.equal(requireOwnNames(name).code, 0, `${name} is another name`);
  });
});

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

  it("a name with capitals is the same name", () => {
    const earlier = siteOf(["a.org", "b.org"]).replace("server_name a.org b.org;", "server_name A.org B.Org;");
    const rest = tools.run(["site.sh"], `domains='a.org'; without_names <<< ${quote(earlier)}`);
    assert.deepEqual([rest.code, rest.stdout.trimEnd()], [0, siteOf(["B.Org"]).replace("b.org", "B.Org").trimEnd()]);
    assert.equal(tools.run(["site.sh"], `domains='b.org A.ORG'; without_names <<< ${quote(earlier)}`).code, 1);
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
