// A firewall that limits SSH connections as `ufw limit ssh` does: whoever begins six within 30 seconds is rejected, and a
// rejected attempt counts too (iptables-extensions(8), recent: --update --seconds 30 --hitcount 6).
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const seconds = 30;
const hits = 6;

export class SshLimit {
  private readonly times: number[] = [];
  private readonly sockets = new Set<Socket>();
  private isLifted = false;
  rejected = 0;

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly port: number,
  ) {}

  /** Listens on 127.0.0.1 and forwards to a port there. */
  static async before(target: number): Promise<SshLimit> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const limit = new SshLimit(server, (server.address() as AddressInfo).port);
    server.on("connection", (socket) => {
      limit.accept(socket, target);
    });
    return limit;
  }

  /** All attempts. */
  get begun(): number {
    return this.times.length;
  }

  /** From now on everyone is let through, as with a rule that allows an address before. */
  lift(): void {
    this.isLifted = true;
  }

  /** Attempts of the last 30 seconds. */
  private get recent(): number {
    return this.times.filter((time) => time > Date.now() - seconds * 1000).length;
  }

  private accept(socket: Socket, target: number): void {
    this.times.push(Date.now());
    if (!this.isLifted && this.recent >= hits) {
      this.rejected++;
      socket.resetAndDestroy();
      return;
    }
    const other = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.sockets.add(from);
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
      from.pipe(to);
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
