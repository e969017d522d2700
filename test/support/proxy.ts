// A proxy and a package index on 127.0.0.1 of a server, which pass requests on and list them. They run on your computer; an
// SSH connection leads to them.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./product";
import type { TestServer } from "./testServer";
import { waitFor } from "./waitFor";

export class Proxy {
  /** Requests, as METHOD URL. */
  readonly requests: string[] = [];

  private constructor(
    /** Of both, on either side. */
    private readonly port: number,
    /** The port of the server's own mirrors, there and on your computer. */
    private readonly mirrors: { readonly there: number; readonly here: number },
    private readonly server: Server,
    private readonly folder: string,
    private tunnel?: ChildProcess,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get index(): string {
    return `${this.url}/simple`;
  }

  static async start(testServer: TestServer): Promise<Proxy> {
    const folder = await mkdtemp(join(tmpdir(), "proxy-"));
    const server = createServer();
    const mirrors = { there: 8000, here: await freePort() };
    const proxy = new Proxy(await freePort(), mirrors, server, folder);
    server.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
      proxy.answer(incoming, response);
    });
    server.on("connect", ({ url = "" }: IncomingMessage, socket, head: Buffer) => {
      proxy.requests.push(`CONNECT ${url}`);
      const [name = "", port = ""] = url.split(":");
      const upstream = connect(Number(port), name, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      for (const [one, other] of [
        [upstream, socket],
        [socket, upstream],
      ] as const) {
        one.on("error", () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(proxy.port, "127.0.0.1", resolve));
    const { privateKey, port, user } = testServer.connection;
    await writeFile(join(folder, "key"), privateKey, { mode: 0o600 });
    const options = ["ExitOnForwardFailure=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    proxy.tunnel = spawn(
      "ssh",
      [
        ...["-N", "-p", String(port), "-i", join(folder, "key"), "-o", "IdentitiesOnly=yes"],
        ...options.flatMap((option) => ["-o", option]),
        ...["-R", `127.0.0.1:${proxy.port}:127.0.0.1:${proxy.port}`],
        ...["-L", `127.0.0.1:${mirrors.here}:127.0.0.1:${mirrors.there}`],
        `${user}@127.0.0.1`,
      ],
      { stdio: "ignore" },
    );
    await waitFor("the tunnel", async () => {
      await testServer.sh(`bash -c ': < /dev/tcp/127.0.0.1/${proxy.port}'`);
      return true;
    });
    return proxy;
  }

  /** Passes on what a proxy is asked for. The index sends pip on to PyPI. */
  private answer(incoming: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${incoming.method} ${incoming.url}`);
    const url = new URL(incoming.url ?? "", this.url);
    if (url.origin === this.url) {
      response.writeHead(302, { location: `https://pypi.org${url.pathname}` }).end();
      return;
    }
    const isMirror = url.origin === `http://127.0.0.1:${this.mirrors.there}`;
    const port = isMirror ? this.mirrors.here : url.port;
    const { method, headers } = incoming;
    const outgoing = request(
      { host: url.hostname, port, path: url.pathname + url.search, method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.writeHead(502).end());
    incoming.pipe(outgoing);
  }

  async stop(): Promise<void> {
    this.tunnel?.kill();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}
