// What this project relies on in @pulumi/command, tried on a real host through the real engine. It holds for the genuine
// plugin and for its stand-in alike.
import assert from "node:assert/strict";
import { makeKey } from "../../support/keys";
import { type Connection, SshHost } from "../../support/sshHost";
import { type Run, Workspace } from "../../support/engine";
import { freePort } from "../../support/product";
import { waitFor } from "../../support/waitFor";

describe("the command provider", function () {
  this.timeout("120s");
  this.slow("15s");

  let host: SshHost;
  let workspace: Workspace;

  before(async () => {
    host = await SshHost.start();
  });
  after(() => SshHost.stopAll());
  beforeEach(async () => {
    workspace = await Workspace.temporary();
    await host.sh("rm -rf /test; mkdir /test");
  });
  afterEach(() => Workspace.removeAll());

  /** A program with the named connection at hand. */
  function program(body: string, connection: Partial<Connection> & object = host.connection): string {
    return `
      import * as pulumi from "@pulumi/pulumi";
      import { local, remote } from "@pulumi/command";
      const connection = ${JSON.stringify(connection)};
      ${body}
    `;
  }

  async function up(body: string, ...args: string[]): Promise<Run> {
    await workspace.writeProgram(program(body));
    return workspace.up(...args);
  }

  async function failUp(body: string, connection?: Partial<Connection> & object): Promise<Run> {
    await workspace.writeProgram(program(body, connection));
    return workspace.failUp();
  }

  /** What the commands of a test have written down on the host, in order. */
  const events = async () => (await host.sh("cat /test/events 2>/dev/null || true")).split("\n").filter(Boolean);

  describe("a remote command", () => {
    it("runs `create` with its stdin, and gives what it prints without the last line end", async () => {
      await up(`
        const command = new remote.Command("c", { connection, create: "cat; echo; echo warned >&2; echo warned >&2", stdin: "one\\ntwo" });
        export const { id, stdout, stderr } = command;
      `);

      const { id, ...printed } = await workspace.outputs();
      assert.match(String(id), /^c[0-9a-f]{8}$/);
      assert.deepEqual(printed, { stdout: "one\ntwo", stderr: "warned\nwarned" });
    });

    it("has an end of file at once when there is no stdin", async () => {
      await up(`new remote.Command("c", { connection, create: "cat > /test/empty" });`);

      assert.equal(await host.sh("stat -c %s /test/empty"), "0");
    });

    it("shows what the command prints while it runs, unless `logging` says otherwise", async () => {
      const { output } = await up(`
        new remote.Command("a", { connection, create: "echo seen-out; echo seen-err >&2" });
        new remote.Command("b", { connection, create: "echo hidden-out; echo seen-too >&2", logging: "stderr" });
        new remote.Command("c", { connection, create: "echo hidden-out; echo hidden-err >&2", logging: "none" });
      `);

      for (const text of ["seen-out", "seen-err", "seen-too"])
        assert.ok(output.includes(text), `${text} in\n${output}`);
      assert.ok(!output.includes("hidden"), output);
    });

    it("does nothing when nothing has changed", async () => {
      const body = `new remote.Command("c", { connection, create: "echo created >> /test/events" });`;
      await up(body);
      const { output } = await up(body);

      assert.deepEqual(await events(), ["created"]);
      assert.match(output, /2 unchanged/);
    });

    it("runs `create` again when an input changes and there is no `update`", async () => {
      const body = (word: string) => `
        const command = new remote.Command("c", { connection, create: "tee -a /test/events", stdin: "${word}\\n" });
        export const { stdout } = command;
      `;
      await up(body("first"));
      const before = await workspace.resource("c");
      const { output } = await up(body("second"));

      assert.deepEqual(await events(), ["first", "second"]);
      assert.equal((await workspace.resource("c"))?.id, before?.id);
      assert.deepEqual(await workspace.outputs(), { stdout: "second" });
      assert.match(output, /1 updated/);
    });

    it("runs `update` when there is one", async () => {
      const body = (word: string) => `
        new remote.Command("c", {
          connection, create: "echo create >> /test/events", update: "cat >> /test/events", stdin: "${word}\\n",
        });
      `;
      await up(body("first"));
      await up(body("second"));

      assert.deepEqual(await events(), ["create", "second"]);
    });

    it("updates when only the connection changes", async () => {
      const body = (limit: number) => `
        new remote.Command("c", { connection: { ...connection, dialErrorLimit: ${limit} }, create: "echo run >> /test/events" });
      `;
      await up(body(3));
      const { output } = await up(body(4));

      assert.deepEqual(await events(), ["run", "run"]);
      assert.match(output, /1 updated/);
    });

    it("runs `delete` with the stdin and the connection that the state holds", async () => {
      await up(`new remote.Command("c", { connection, delete: "cat >> /test/events", stdin: "stored\\n" });`);
      await workspace.writeProgram("");
      await workspace.up();

      assert.deepEqual(await events(), ["stored"]);
    });

    const replaced = (trigger: string, options = "") => `
      new remote.Command("c", {
        connection,
        create: "echo create ${trigger} >> /test/events",
        delete: "echo delete ${trigger} >> /test/events",
        triggers: ["${trigger}"],
      }, { ${options} });
    `;

    it("is replaced when a trigger changes: the new one is made first, then the old one deleted", async () => {
      await up(replaced("a"));
      const { output } = await up(replaced("b"));

      assert.deepEqual(await events(), ["create a", "create b", "delete a"]);
      assert.match(output, /1 replaced/);
    });

    it("is deleted before it is made anew with deleteBeforeReplace", async () => {
      await up(replaced("a", "deleteBeforeReplace: true"));
      await up(replaced("b", "deleteBeforeReplace: true"));

      assert.deepEqual(await events(), ["create a", "delete a", "create b"]);
    });

    it("is replaced when triggers are added", async () => {
      await up(`new remote.Command("c", { connection, create: "echo run >> /test/events" });`);
      const { output } = await up(
        `new remote.Command("c", { connection, create: "echo run >> /test/events", triggers: [1] });`,
      );

      assert.match(output, /1 replaced/);
    });

    it("fails with the exit status, the quoted command and all that it printed", async () => {
      const { output } = await failUp(
        `new remote.Command("c", { connection, create: 'echo "to out"\\necho to-err >&2; exit 3' });`,
      );

      const expected = String.raw`Process exited with status 3: running "echo \"to out\"\necho to-err >&2; exit 3":`;
      assert.ok(output.includes(expected), output);
      const transcript = output.slice(output.indexOf(expected));
      assert.match(transcript, /to out/);
      assert.match(transcript, /to-err/);
    });

    it("says which signal ended it", async () => {
      const { output } = await failUp(`new remote.Command("c", { connection, create: "kill -TERM $$" });`);

      assert.match(output, /Process exited with status 143 from signal TERM: running "kill -TERM \$\$":/);
    });

    it("is not in the state when its creation fails, and is made by the next up", async () => {
      const body = `new remote.Command("c", { connection, create: "echo try >> /test/events; test -e /test/ready" });`;
      await failUp(body);
      assert.equal(await workspace.resource("c"), undefined);

      await host.sh("touch /test/ready");
      await up(body);
      assert.deepEqual(await events(), ["try", "try"]);
      assert.ok(await workspace.resource("c"));
    });

    it("keeps its old state when an update fails, and the next up tries again", async () => {
      const body = (word: string) => `
        new remote.Command("c", { connection, create: "cat >> /test/events; test ! -e /test/broken", stdin: "${word}\\n" });
      `;
      await up(body("one"));
      await host.sh("touch /test/broken");
      await failUp(body("two"));
      assert.equal((await workspace.resource("c"))?.outputs?.stdin, "one\n");

      await host.sh("rm /test/broken");
      await up(body("two"));
      assert.deepEqual(await events(), ["one", "two", "two"]);
    });

    it("refuses `environment` that the server does not accept", async () => {
      const { output } = await failUp(
        `new remote.Command("c", { connection, create: "true", environment: { NOT_ACCEPTED: "1" } });`,
      );

      assert.match(output, /Unable to set 'NOT_ACCEPTED'\. This only works if your SSH server is configured to accept/);
      assert.match(output, /could not set environment variable "NOT_ACCEPTED": ssh: setenv failed/);
    });

    it("sets `environment` that the server accepts", async () => {
      await up(`
        const command = new remote.Command("c", { connection, create: "echo $LC_TEST", environment: { LC_TEST: "given" } });
        export const { stdout } = command;
      `);

      assert.deepEqual(await workspace.outputs(), { stdout: "given" });
    });

    it("warns when the server does not take the previous output, unless addPreviousOutputInEnv is false", async () => {
      const body = (word: string, setting: string) =>
        `new remote.Command("c", { connection, create: "echo ${word}", ${setting} });`;
      await up(body("one", ""));
      const warned = await up(body("two", ""));
      const silent = await up(body("three", "addPreviousOutputInEnv: false"));

      assert.match(warned.output, /Unable to set 'PULUMI_COMMAND_STDOUT'/);
      assert.doesNotMatch(silent.output, /Unable to set/);
    });

    // The SDK leaves out an argument that it does not know; what is inside an argument it passes on.
    it("refuses a part of the connection that it does not know", async () => {
      const { output } = await failUp(
        `new remote.Command("c", { connection: { ...connection, hostKeys: "?" }, create: "touch /test/ran" });`,
      );

      assert.match(output, /hostKeys/);
      assert.equal(await host.sh("ls /test"), "");
    });
  });

  describe("a preview", () => {
    it("runs nothing, and does not know what a new command will print", async () => {
      await workspace.writeProgram(
        program(`
          const command = new remote.Command("c", { connection, create: "echo run | tee -a /test/events" });
          export const { stdout } = command;
        `),
      );
      const { output } = await workspace.preview();

      assert.deepEqual(await events(), []);
      assert.match(output, /stdout: (\[unknown\]|output<string>)/);
    });

    it("with --diff shows a changed stdin line by line", async () => {
      const body = (processes: number) => `
        new remote.Command("c", {
          connection, create: "cat", stdin: "[uwsgi]\\nmaster = true\\nprocesses = ${processes}\\nsocket = /run/app.sock\\n",
        });
      `;
      await up(body(5));
      await workspace.writeProgram(program(body(7)));
      const { output } = await workspace.preview("--diff");

      assert.match(output, /-\s+processes = 5\n/);
      assert.match(output, /\+\s+processes = 7\n/);
      assert.match(output, /\n\s+master = true\n/);
      assert.doesNotMatch(output, /[-+]\s+master = true/);
    });

    it("knows what a command has printed as long as nothing of it changes", async () => {
      const body = (word: string) => `
        const changing = new remote.Command("a", { connection, create: "echo ${word}" });
        const same = new remote.Command("b", { connection, create: "echo same" });
        new remote.Command("reader-of-a", { connection, create: "cat", stdin: changing.stdout });
        new remote.Command("reader-of-b", { connection, create: "cat", stdin: same.stdout });
      `;
      await up(body("one"));
      await workspace.writeProgram(program(body("two")));
      const { output } = await workspace.preview("--diff");

      assert.match(output, /::reader-of-a\]\n.*\n\s*~ stdin\s*: "one" => (\[unknown\]|output<string>)/);
      assert.doesNotMatch(output, /::reader-of-b\]/);
    });
  });

  describe("a secret", () => {
    const word = "correct-horse-battery";

    it("in stdin is in no output, no log and no state", async () => {
      await workspace.setConfig("word", word, { secret: true });
      const body = (step: number) => `
        const stdin = new pulumi.Config().requireSecret("word");
        new remote.Command("c", { connection, create: "sha256sum > /test/sum; true ${step}", stdin });
      `;
      await workspace.writeProgram(program(body(1)));
      const preview = await workspace.preview("--diff");
      const created = await workspace.up("--diff");
      const updated = await up(body(2), "--diff");

      for (const { output } of [preview, created, updated]) assert.ok(!output.includes(word), output);
      assert.ok(!(await workspace.exportText()).includes(word));
    });

    it("that a command prints is hidden in the state with additionalSecretOutputs", async () => {
      await up(`
        const command = new remote.Command(
          "c", { connection, create: "printf '%s-%s-%s' correct horse battery", logging: "none" },
          { additionalSecretOutputs: ["stdout", "stderr"] },
        );
        export const { stdout } = command;
      `);

      assert.ok(!(await workspace.exportText()).includes(word));
      assert.deepEqual(await workspace.outputs(), { stdout: word });
    });

    it("that a command prints is plain without it, even when stdin is secret", async () => {
      await workspace.setConfig("word", word, { secret: true });
      await up(`
        const stdin = new pulumi.Config().requireSecret("word");
        new remote.Command("c", { connection, create: "cat", logging: "none", stdin });
      `);

      assert.equal((await workspace.resource("c"))?.outputs?.stdout, word);
    });

    it("is the connection, whole", async () => {
      await up(`new remote.Command("c", { connection, create: "true" });`);

      const state = await workspace.exportText();
      assert.ok(!state.includes("PRIVATE KEY"));
      assert.ok(!state.includes(host.connection.hostKey.split(" ")[1] ?? ""));
    });
  });

  describe("a connection", () => {
    const command = `new remote.Command("c", { connection, create: "true" });`;

    it("that nobody answers is dialled as often as the limit says, and then fails", async () => {
      const port = await freePort();
      const begun = Date.now();
      const { output } = await failUp(command, { ...host.connection, port, dialErrorLimit: 2 } as object);

      const expected = `after 2 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`;
      assert.ok(output.includes(expected), output);
      assert.match(output, /Dial 1\/2 failed: retrying/);
      assert.ok(Date.now() - begun < 30_000);
    });

    it("to a host with another key is refused before anything runs", async () => {
      const body = `new remote.Command("c", { connection, create: "touch /test/ran" });`;
      const { output } = await failUp(body, {
        ...host.connection,
        hostKey: makeKey().public,
        dialErrorLimit: 1,
      } as object);

      assert.match(output, /after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch/);
      assert.equal(await host.sh("ls /test"), "");
    });

    it("with another private key says that the login failed, and not the key", async () => {
      const privateKey = makeKey().private;
      const { output } = await failUp(command, { ...host.connection, privateKey, dialErrorLimit: 1 } as object);

      const expected =
        "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
        "attempted methods [none publickey], no supported methods remain";
      assert.ok(output.includes(expected), output);
      assert.ok(!output.includes(privateKey.split("\n")[2] ?? privateKey));
    });

    describe("through a proxy", () => {
      let bastion: SshHost;
      let behind: object;

      before(async () => {
        bastion = await SshHost.start({ sshdConfig: ["Match User daemon", "AllowTcpForwarding no"] });
        await bastion.sh("usermod --shell /bin/sh daemon");
        // Seen from the bastion, the host is at its own address.
        const address = (await host.sh("hostname -I")).split(" ")[0] ?? "";
        behind = { ...host.connection, host: address, port: 22 };
      });
      after(() => bastion.stop());

      it("logs in to both, each with its own host key", async () => {
        await workspace.writeProgram(
          program(`export const { stdout } = new remote.Command("c", { connection, create: "cat /etc/hostname" });`, {
            ...behind,
            proxy: bastion.connection,
          } as object),
        );
        await workspace.up();

        assert.deepEqual(await workspace.outputs(), { stdout: await host.sh("cat /etc/hostname") });
      });

      const refusals: [string, () => object, RegExp][] = [
        [
          "of the proxy's host key",
          () => ({ ...behind, proxy: { ...bastion.connection, hostKey: makeKey().public, dialErrorLimit: 0 } }),
          /proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
        ],
        [
          "of the host key behind it, with the first attempt",
          () => ({ ...behind, hostKey: makeKey().public, dialErrorLimit: 0, proxy: bastion.connection }),
          /proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
        ],
        [
          "of nothing with a later attempt, for they share one stream",
          () => ({ ...behind, hostKey: makeKey().public, dialErrorLimit: 1, proxy: bastion.connection }),
          /proxy: after 1 failed attempts: ssh: handshake failed: (?!ssh: host key mismatch)/,
        ],
        [
          "of a proxy that lets nobody through",
          () => ({ ...behind, dialErrorLimit: 0, proxy: { ...bastion.connection, user: "daemon" } }),
          /proxy: after 0 failed attempts: ssh: rejected: administratively prohibited \(open failed\)/,
        ],
        [
          "of an address that the proxy does not reach",
          () => ({ ...behind, port: 1, dialErrorLimit: 0, proxy: bastion.connection }),
          /proxy: after 0 failed attempts: ssh: rejected: connect failed \(Connection refused\)/,
        ],
      ];
      for (const [what, connection, message] of refusals) {
        it(`complains ${what}`, async () => {
          assert.match((await failUp(command, connection())).output, message);
        });
      }
    });

    it("takes an encrypted private key with its password, and refuses it without", async () => {
      const { private: privateKey, public: publicKey } = makeKey("-N", "hunter2", "-a", "1");
      await host.sh(`printf '%s\\n' '${publicKey}' >> /etc/ssh/test_authorized_keys`);
      const connection = { ...host.connection, privateKey };
      assert.match((await failUp(command, connection)).output, /ssh: this private key is passphrase protected/);

      await workspace.writeProgram(program(command, { ...connection, privateKeyPassword: "hunter2" } as object));
      await workspace.up();
    });
  });

  describe("CopyToRemote", () => {
    const copy = (more = "") => `
      new remote.CopyToRemote("f", {
        connection, source: new pulumi.asset.FileAsset("payload.txt"), remotePath: "/test/copied", ${more}
      });
    `;
    const copied = () => host.sh("cat /test/copied");

    it("copies a file, copies it again when its content changes, and only then", async () => {
      await workspace.writeFile("payload.txt", "one\n");
      await up(copy());
      assert.equal(await copied(), "one");

      await host.sh("echo touched > /test/copied");
      await up(copy());
      assert.equal(await copied(), "touched");

      await workspace.writeFile("payload.txt", "two\n");
      const { output } = await up(copy());
      assert.equal(await copied(), "two");
      assert.match(output, /1 updated/);
    });

    it("copies again when a trigger changes", async () => {
      await workspace.writeFile("payload.txt", "one\n");
      await up(copy("triggers: ['host-1']"));
      await host.sh("rm /test/copied");
      const { output } = await up(copy("triggers: ['host-2']"));

      assert.equal(await copied(), "one");
      assert.match(output, /1 replaced/);
    });

    it("copies a text, and a big file whole", async () => {
      await workspace.writeFile("big.bin", "0123456789abcdef".repeat(200_000));
      await up(`
        new remote.CopyToRemote("text", { connection, source: new pulumi.asset.StringAsset("some text\\n"), remotePath: "/test/text" });
        new remote.CopyToRemote("big", { connection, source: new pulumi.asset.FileAsset("big.bin"), remotePath: "/test" });
      `);

      assert.equal(await host.sh("cat /test/text"), "some text");
      assert.equal(await host.sh("stat -c %s /test/big.bin"), "3200000");
      assert.equal(await host.sh("tail -c 16 /test/big.bin"), "0123456789abcdef");
    });

    it("says what the host refused", async () => {
      await workspace.writeFile("payload.txt", "one\n");
      const { output } = await failUp(`
        new remote.CopyToRemote("f", {
          connection, source: new pulumi.asset.FileAsset("payload.txt"), remotePath: "/test/missing/copied",
        });
      `);

      assert.match(output, /failed to create remote file \/test\/missing\/copied: file does not exist/);
    });

    it("fails at preview when its source is not known yet", async () => {
      await workspace.writeProgram(
        program(`
          const made = new remote.Command("c", { connection, create: "echo text" });
          new remote.CopyToRemote("f", {
            connection, source: made.stdout.apply((text) => new pulumi.asset.StringAsset(text)), remotePath: "/test/copied",
          });
        `),
      );
      const { code, output } = await workspace.run("preview", "--stack", workspace.stack);

      assert.notEqual(code, 0);
      assert.match(output, /either asset or archive must be set/);
    });
  });

  describe("a local command", () => {
    it("runs create, update and delete on this machine with its folder, environment and stdin", async () => {
      const body = (word: string) => `
        const command = new local.Command("c", {
          create: "pwd; echo $WORD; cat; echo create >> events",
          update: "echo before: $PULUMI_COMMAND_STDOUT; echo update >> events",
          delete: "echo delete >> events",
          dir: pulumi.runtime.getProject() === "test" ? process.cwd() : "",
          environment: { WORD: "${word}" },
          stdin: "input",
        });
        export const { stdout } = command;
      `;
      await up(body("one"));
      assert.deepEqual(await workspace.outputs(), { stdout: `${workspace.projectDir}\none\ninput` });
      await up(body("two"));
      assert.deepEqual(await workspace.outputs(), { stdout: `before: ${workspace.projectDir} one input` });
      await workspace.destroy();
      assert.equal(await workspace.readFile("events"), "create\nupdate\ndelete\n");
    });

    it("takes an interpreter, and says how it failed", async () => {
      const { output } = await failUp(`new local.Command("c", { create: "exit 3", interpreter: ["bash", "-c"] });`);

      assert.match(output, /exit status 3: running "exit 3":/);
    });
  });

  describe("an update that is broken off", () => {
    const upArguments = () => ["up", "--yes", "--skip-preview", "--stack", workspace.stack];

    it("stops dialling", async () => {
      const port = await freePort();
      await workspace.writeProgram(
        program(`new remote.Command("c", { connection, create: "true" });`, {
          ...host.connection,
          port,
          dialErrorLimit: -1,
        } as object),
      );
      const { child, ended, printed } = workspace.start(...upArguments());
      await waitFor("the first attempt", () => printed().includes("Dial 1/inf failed: retrying"));
      child.kill("SIGINT");
      const { code } = await ended;

      assert.notEqual(code, 0);
      assert.deepEqual((await workspace.export()).pendingOperations, []);
    });

    it("lets the running command finish, and leaves a stack that works", async () => {
      const body = `
        const first = new remote.Command("first", {
          connection, create: "touch /test/started; while ! test -e /test/go; do sleep 0.05; done; echo finished >> /test/events",
        });
        new remote.Command("second", { connection, create: "echo second >> /test/events" }, { dependsOn: first });
      `;
      await workspace.writeProgram(program(body));
      const { child, ended, printed } = workspace.start(...upArguments());
      await waitFor("the command", () => host.sh("test -e /test/started && echo yes"));
      child.kill("SIGINT");
      await waitFor("the engine to notice", () => /cancel/i.test(printed()));
      await host.sh("touch /test/go");
      const { code } = await ended;

      assert.notEqual(code, 0);
      assert.deepEqual(await events(), ["finished"]);
      assert.deepEqual((await workspace.export()).pendingOperations, []);

      await workspace.up();
      assert.deepEqual((await events()).at(-1), "second");
    });
  });
});
