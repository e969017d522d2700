import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { fetchPage, howToReach, pageText } from "../../../toolchain/commands/page";

describe("the deployed page", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `shop.invalid:${(server.address() as AddressInfo).port}`;
  }

  it("fetches the page from the server, even if its name does not resolve", async () => {
    const site = await serve(({ headers, url }, response) => response.end(`<h1>${headers.host}${url}</h1>`));
    assert.equal(await fetchPage(`http://${site}/`, "127.0.0.1"), `${site}/`);
  });

  it("follows redirects within the site only", async () => {
    const site = await serve(({ url }, response) => {
      if (url === "/") response.writeHead(302, { location: "/start?a=1" });
      response.end(`page ${url}`);
    });
    assert.equal(await fetchPage(`http://${site}/`, "127.0.0.1"), "page /start?a=1");
    const secured = await serve((_, response) => response.writeHead(301, { location: "https://shop.invalid/" }).end());
    assert.equal(await fetchPage(`http://${secured}/`, "127.0.0.1"), "(redirects to https://shop.invalid/)");
  });

  it("makes the request of the health check, and accepts what that accepts", async () => {
    const site = await serve(({ headers, url }, response) => {
      response.statusCode = url === "/private" ? 401 : url === "/none" ? 204 : url === "/up?all=1" ? 200 : 404;
      response.end(response.statusCode === 204 ? "" : `${headers.host} ${response.statusCode}`);
    });
    const page = (path: string, more = {}) =>
      fetchPage(`http://${site}/`, "127.0.0.1", { path, host: "allowed.org", ...more });
    assert.equal(await page("/up?all=1"), "allowed.org 200");
    assert.equal(await page("/up?all=1", { contains: "allowed.org" }), "allowed.org 200");
    assert.equal(await page("/private", { status: [401, 403] }), "allowed.org 401");
    assert.equal(await page("/none"), "(status 204)");
  });

  it("follows a redirect to the host of the health check, which only the server at the address may know", async () => {
    const site = await serve(({ headers, url }, response) => {
      if (url === "/") response.writeHead(302, { location: `http://${headers.host}/start` });
      response.end(`${headers.host} ${url}`);
    });
    const check = { path: "/", host: "allowed.org" };
    assert.equal(await fetchPage(`http://${site}/`, "127.0.0.1", check), "allowed.org /start");
  });

  it("says what is wrong with the page in the end", async () => {
    const site = await serve((_, response) => response.writeHead(404).end("no"));
    const wrong = { path: "/up", host: "a.org" };
    await assert.rejects(
      fetchPage(`http://${site}/`, "127.0.0.1", wrong, 1),
      new RegExp(`The page http://${site}/up was deployed, but the answer is status 404\\.`),
    );
    const textless = { path: "/", host: "a.org", status: [404], contains: "yes" };
    await assert.rejects(
      fetchPage(`http://${site}/`, "127.0.0.1", textless, 1),
      /the answer is a page without the text "yes"\./,
    );
  });

  it("retries until the page is neither an error nor empty", async () => {
    let asked = 0;
    const site = await serve((_, response) => {
      asked += 1;
      if (asked === 1) response.statusCode = 502;
      response.end(asked === 3 ? "here" : asked === 1 ? "bad gateway" : "");
    });
    assert.equal(await fetchPage(`http://${site}/`, "127.0.0.1"), "here");
    assert.equal(asked, 3);
  });

  it("says how to reach a page whose name does not resolve to its server", async () => {
    const names: Record<string, string[]> = { "a.org": ["192.0.2.7"], "b.org": ["192.0.2.9"], server: ["192.0.2.7"] };
    const hint = (url: string, host: string) => howToReach(url, host, (it) => Promise.resolve(names[it] ?? [it]));
    assert.equal(await hint("http://127.0.0.1:8080/", "127.0.0.1"), undefined);
    assert.equal(await hint("http://a.org/", "192.0.2.7"), undefined);
    assert.equal(await hint("http://a.org/", "server"), undefined);
    assert.equal(
      await hint("http://b.org/", "server"),
      "b.org does not resolve to the server on this computer: curl --resolve b.org:80:192.0.2.7 http://b.org/, or add to /etc/hosts: 192.0.2.7 b.org",
    );
    assert.match(
      (await hint("http://b.org:8080/", "2001:db8::1")) ?? "",
      /curl --resolve b\.org:8080:\[2001:db8::1\] http.* \/etc\/hosts: 2001:db8::1 b\.org$/,
    );
    const unknown = await howToReach("http://shop.invalid:8080/", "127.0.0.1");
    assert.match(
      unknown ?? "",
      /^shop\.invalid does not resolve to the server .* --resolve shop\.invalid:8080:127\.0\.0\.1 /,
    );
  });

  it("shows the visible text of a page, shortened", () => {
    assert.equal(pageText("<html><title>t</title><style>a{}</style><h1 style='x'>Hello\n There!</h1>"), "Hello There!");
    assert.equal(pageText("x".repeat(100)).length, 60);
  });
});
