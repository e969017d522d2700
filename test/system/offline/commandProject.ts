// What the tests of the command plugin share: a server, a project that can log in to it, and for each test a new stack.
import { type Run, Workspace } from "../../support/engine";
import { type Connection, TestServer } from "../../support/testServer";

export class CommandProject {
  server!: TestServer;
  workspace!: Workspace;

  /** Registers mocha's hooks. Commands may use the server's folder /test, which is new for each test. */
  constructor() {
    before(async () => {
      this.server = await TestServer.start();
      this.workspace = await Workspace.temporary({ plugins: ["command"] });
    });
    after(async () => {
      await Workspace.removeAll();
      await TestServer.stopAll();
    });
    beforeEach(async () => {
      await this.workspace.renew();
      await this.server.sh("rm -rf /test; mkdir /test");
    });
  }

  /** The server's connection with other values. */
  connection(changes: Partial<Connection> | Record<string, unknown> = {}): object {
    return { ...this.server.connection, ...changes };
  }

  /** A program that has the imports and the connection at hand. */
  async write(body: string, connection: object = this.connection()): Promise<void> {
    await this.workspace.writeProgram(`
      import * as pulumi from "@pulumi/pulumi";
      import { local, remote } from "@pulumi/command";
      const connection = ${JSON.stringify(connection)};
      ${body}
    `);
  }

  async up(body: string, ...args: string[]): Promise<Run> {
    await this.write(body);
    return this.workspace.up(...args);
  }

  /** `pulumi up` that is expected to fail. */
  async failUp(body: string, connection?: object): Promise<Run> {
    await this.write(body, connection);
    return this.workspace.failUp("--continue-on-error");
  }

  /** The lines that commands have written to /test/events. */
  async events(): Promise<string[]> {
    return (await this.server.sh("cat /test/events 2>/dev/null || true")).split("\n").filter(Boolean);
  }
}
