// A proxy and an index of packages on 127.0.0.1 of a server, which pass on what they are asked for and note it down. They
// run on this machine; a connection of ssh leads to them.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./product";
import type { TestServer } from "./testServer";
import { waitFor } from "./waitFor";

export class Gateway {
  /** Requests, as METHOD URL. */
  readonly asked: string[] = [];

  private constructor(
    /** Of both, on either side. */
    private readonly port: number,
    /** Where the mirrors are on this machine that the server has on its own 127.0.0.1. */
    private readonly mirrors: { readonly there: number; readonly here: number },
    private readonly server: Server,
    private readonly folder: string,
    private tunnel?: ChildProcess,
  ) {}

  get proxy(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get index(): string {
    return `${this.proxy}/simple`;
  }

  static async start(host: TestServer): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), "gateway-"));
    const server = createServer();
    const mirrors = { there: 8000, here: await freePort() };
    const gateway = new Gateway(await freePort(), mirrors, server, folder);
    server.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
      gateway.answer(incoming, response);
    });
    server.on("connect", ({ url = "" }: IncomingMessage, socket, head: Buffer) => {
      gateway.asked.push(`CONNECT ${url}`);
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
    await new Promise<void>((resolve) => server.listen(gateway.port, "127.0.0.1", resolve));
    const { privateKey, port, user } = host.connection;
    await writeFile(join(folder, "key"), privateKey, { mode: 0o600 });
    const options = ["ExitOnForwardFailure=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    gateway.tunnel = spawn(
      "ssh",
      [
        ...["-N", "-p", String(port), "-i", join(folder, "key"), "-o", "IdentitiesOnly=yes"],
        ...options.flatMap((option) => ["-o", option]),
        ...["-R", `127.0.0.1:${gateway.port}:127.0.0.1:${gateway.port}`],
        ...["-L", `127.0.0.1:${mirrors.here}:127.0.0.1:${mirrors.there}`],
        `${user}@127.0.0.1`,
      ],
      { stdio: "ignore" },
    );
    await waitFor("the tunnel", async () => {
      await host.sh(`bash -c ': < /dev/tcp/127.0.0.1/${gateway.port}'`);
      return true;
    });
    return gateway;
  }

  /** Passes on what a proxy is asked for. The index sends pip on to PyPI. */
  private answer(incoming: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${incoming.method} ${incoming.url}`);
    const url = new URL(incoming.url ?? "", this.proxy);
    if (url.origin === this.proxy) {
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
