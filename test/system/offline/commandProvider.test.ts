// What this project relies on in the commands of @pulumi/command 1.2.1, tried on a real server through the real engine,
// with the genuine plugin and with the offline plugin.
import assert from "node:assert/strict";
import type { Workspace } from "../../support/engine";
import { makeKey } from "../../support/keys";
import { freePort } from "../../support/product";
import { TestServer } from "../../support/testServer";
import { waitFor } from "../../support/waitFor";
import { CommandProject } from "./commandProject";

/** Some of a run's output that should or should not be there. */
const shows = (output: string, text: string) => {
  assert.ok(output.includes(text), `the engine's output should contain "${text}":\n${output}`);
};
const hides = (output: string, text: string) => {
  assert.ok(!output.includes(text), `"${text}" should not be in:\n${output}`);
};

describe("the command plugin", function () {
  this.timeout("120s");
  this.slow("15s");

  const project = new CommandProject();
  const resource = (name: string) => project.workspace.resource(name);
  const outputs = () => project.workspace.outputs();
  const sh = (script: string) => project.server.sh(script);

  describe("remote.Command", () => {
    it("runs `create` with its stdin, and its outputs are what it prints without the last line end", async () => {
      await project.up(`
        const command = new remote.Command("c", { connection, create: "cat; echo; echo warned >&2; echo warned >&2", stdin: "one\\ntwo" });
        new remote.Command("without-stdin", { connection, create: "cat > /test/empty" });
        export const { id, stdout, stderr } = command;
      `);

      const { id, ...printed } = await outputs();
      assert.match(String(id), /^c[0-9a-f]{8}$/);
      assert.deepEqual(printed, { stdout: "one\ntwo", stderr: "warned\nwarned" });
      assert.equal(await sh("stat -c %s /test/empty"), "0");
    });

    it("shows what a command prints while it runs, unless `logging` says otherwise", async () => {
      const { output } = await project.up(`
        new remote.Command("a", { connection, create: "echo seen-out; echo seen-err >&2" });
        new remote.Command("b", { connection, create: "echo hidden-out; echo seen-too >&2", logging: "stderr" });
        new remote.Command("c", { connection, create: "echo hidden-out; echo hidden-err >&2", logging: "none" });
      `);

      for (const text of ["seen-out", "seen-err", "seen-too"]) shows(output, text);
      hides(output, "hidden");
    });

    it("runs `create` again when an input changes and there is no `update`, and not when nothing changes", async () => {
      const body = (word: string) => `
        const command = new remote.Command("c", { connection, create: "tee -a /test/events", stdin: "${word}\\n" });
        export const { stdout } = command;
      `;
      await project.up(body("first"));
      const before = await resource("c");
      const unchanged = await project.up(body("first"));
      const changed = await project.up(body("second"));

      assert.match(unchanged.output, /2 unchanged/);
      assert.match(changed.output, /1 updated/);
      assert.deepEqual(await project.events(), ["first", "second"]);
      assert.equal((await resource("c"))?.id, before?.id);
      assert.deepEqual(await outputs(), { stdout: "second" });
    });

    it("runs `update` when an input changes, even if only the connection does", async () => {
      const body = (word: string, dialErrorLimit: number) => `
        new remote.Command("c", {
          connection: { ...connection, dialErrorLimit: ${dialErrorLimit} },
          create: "echo create >> /test/events", update: "cat >> /test/events", stdin: "${word}\\n",
        });
      `;
      await project.up(body("first", 3));
      await project.up(body("second", 3));
      const { output } = await project.up(body("second", 4));

      assert.match(output, /1 updated/);
      assert.deepEqual(await project.events(), ["create", "second", "second"]);
    });

    it("runs `delete` with the stdin and the connection of the state", async () => {
      await project.up(`new remote.Command("c", { connection, delete: "cat >> /test/events", stdin: "stored\\n" });`);
      await project.workspace.writeProgram("");
      await project.workspace.up();

      assert.deepEqual(await project.events(), ["stored"]);
    });

    const replaced = (trigger: string, options = "") => `
      new remote.Command("c", {
        connection,
        create: "echo create ${trigger} >> /test/events",
        delete: "echo delete ${trigger} >> /test/events",
        triggers: ["${trigger}"],
      }, { ${options} });
    `;

    it("is created anew and then deleted when a trigger changes", async () => {
      await project.up(replaced("a"));
      const { output } = await project.up(replaced("b"));

      assert.deepEqual(await project.events(), ["create a", "create b", "delete a"]);
      assert.match(output, /1 replaced/);
    });

    it("is deleted and then created anew when a trigger changes and deleteBeforeReplace is set", async () => {
      await project.up(replaced("a", "deleteBeforeReplace: true"));
      await project.up(replaced("b", "deleteBeforeReplace: true"));

      assert.deepEqual(await project.events(), ["create a", "delete a", "create b"]);
    });

    it("is replaced when its first triggers are added", async () => {
      await project.up(`new remote.Command("c", { connection, create: "true" });`);
      const { output } = await project.up(`new remote.Command("c", { connection, create: "true", triggers: [1] });`);

      assert.match(output, /1 replaced/);
    });

    it("fails with the exit status or signal, the quoted command and everything that it printed", async () => {
      const { output } = await project.failUp(`
        new remote.Command("status", { connection, create: 'echo "to out"\\necho to-err >&2; exit 3' });
        new remote.Command("signal", { connection, create: "kill -TERM $$" });
      `);

      const expected = String.raw`Process exited with status 3: running "echo \"to out\"\necho to-err >&2; exit 3":`;
      shows(output, expected);
      const printed = output.slice(output.indexOf(expected) + expected.length);
      for (const text of ["to out", "to-err"]) shows(printed, text);
      assert.match(output, /Process exited with status 143 from signal TERM: running "kill -TERM \$\$":/);
    });

    it("is not in the state if its creation fails, and the next up creates it", async () => {
      const body = `new remote.Command("c", { connection, create: "echo try >> /test/events; test -e /test/ready" });`;
      await project.failUp(body);
      assert.equal(await resource("c"), undefined);

      await sh("touch /test/ready");
      await project.up(body);
      assert.deepEqual(await project.events(), ["try", "try"]);
      assert.ok(await resource("c"), "the state should have the command after an up that succeeds");
    });

    it("keeps its old state if an update fails, and the next up tries again", async () => {
      const body = (word: string) => `
        new remote.Command("c", { connection, create: "cat >> /test/events; test ! -e /test/broken", stdin: "${word}\\n" });
      `;
      await project.up(body("one"));
      await sh("touch /test/broken");
      await project.failUp(body("two"));
      assert.equal((await resource("c"))?.outputs?.stdin, "one\n");

      await sh("rm /test/broken");
      await project.up(body("two"));
      assert.deepEqual(await project.events(), ["one", "two", "two"]);
    });

    it("sets `environment` if the server accepts the variables, and fails if it does not", async () => {
      await project.up(`
        const command = new remote.Command("c", { connection, create: "echo $LC_TEST", environment: { LC_TEST: "given" } });
        export const { stdout } = command;
      `);
      assert.deepEqual(await outputs(), { stdout: "given" });

      const { output } = await project.failUp(
        `new remote.Command("c", { connection, create: "true", environment: { NOT_ACCEPTED: "1" } });`,
      );
      assert.match(output, /Unable to set 'NOT_ACCEPTED'\. This only works if your SSH server is configured to accept/);
      assert.match(output, /could not set environment variable "NOT_ACCEPTED": ssh: setenv failed/);
    });

    it("warns if the server does not accept the previous output, unless addPreviousOutputInEnv is false", async () => {
      const body = (word: string, setting: string) =>
        `new remote.Command("c", { connection, create: "echo ${word}", ${setting} });`;
      await project.up(body("one", ""));
      const warned = await project.up(body("two", ""));
      const silent = await project.up(body("three", "addPreviousOutputInEnv: false"));

      assert.match(warned.output, /Unable to set 'PULUMI_COMMAND_STDOUT'/);
      assert.doesNotMatch(silent.output, /Unable to set/);
    });

    // The SDK drops an unknown argument, but not what is inside an argument.
    it("fails if the connection has an unknown property, and runs nothing", async () => {
      const { output } = await project.failUp(
        `new remote.Command("c", { connection: { ...connection, hostKeys: "?" }, create: "touch /test/ran" });`,
      );

      assert.match(output, /hostKeys/);
      assert.equal(await sh("ls /test"), "");
    });
  });

  describe("a preview", () => {
    it("runs nothing, and does not know what a new command will print", async () => {
      await project.write(`
        const command = new remote.Command("c", { connection, create: "echo run | tee -a /test/events" });
        export const { stdout } = command;
      `);
      const { output } = await project.workspace.preview();

      assert.deepEqual(await project.events(), []);
      assert.match(output, /stdout: (\[unknown\]|output<string>)/);
    });

    it("shows a changed stdin line by line with --diff", async () => {
      const body = (processes: number) => `
        new remote.Command("c", {
          connection, create: "cat", stdin: "[uwsgi]\\nmaster = true\\nprocesses = ${processes}\\nsocket = /run/app.sock\\n",
        });
      `;
      await project.up(body(5));
      await project.write(body(7));
      const { output } = await project.workspace.preview("--diff");

      assert.match(output, /-\s+processes = 5\n/);
      assert.match(output, /\+\s+processes = 7\n/);
      assert.match(output, /\n\s+master = true\n/);
      assert.doesNotMatch(output, /[-+]\s+master = true/);
    });

    it("knows what a command has printed as long as none of its inputs changes", async () => {
      const body = (word: string) => `
        const changing = new remote.Command("a", { connection, create: "echo ${word}" });
        const same = new remote.Command("b", { connection, create: "echo same" });
        new remote.Command("reader-of-a", { connection, create: "cat", stdin: changing.stdout });
        new remote.Command("reader-of-b", { connection, create: "cat", stdin: same.stdout });
      `;
      await project.up(body("one"));
      await project.write(body("two"));
      const { output } = await project.workspace.preview("--diff");

      assert.match(output, /::reader-of-a\]\n.*\n\s*~ stdin\s*: "one" => (\[unknown\]|output<string>)/);
      assert.doesNotMatch(output, /::reader-of-b\]/);
    });
  });

  describe("a secret", () => {
    const word = "correct-horse-battery";
    const configure = () => project.workspace.setConfig("word", word, { secret: true });

    it("that is a command's stdin appears in no output and in no state", async () => {
      await configure();
      const body = (step: number) => `
        const stdin = new pulumi.Config().requireSecret("word");
        new remote.Command("c", { connection, create: "sha256sum > /test/sum; true ${step}", stdin });
      `;
      await project.write(body(1));
      const preview = await project.workspace.preview("--diff");
      const created = await project.workspace.up("--diff");
      const updated = await project.up(body(2), "--diff");

      for (const { output } of [preview, created, updated]) hides(output, word);
      hides(await project.workspace.exportText(), word);
    });

    it("that a command prints is encrypted in the state with additionalSecretOutputs", async () => {
      await project.up(`
        const command = new remote.Command(
          "c", { connection, create: "printf '%s-%s-%s' correct horse battery", logging: "none" },
          { additionalSecretOutputs: ["stdout", "stderr"] },
        );
        export const { stdout } = command;
      `);

      hides(await project.workspace.exportText(), word);
      assert.deepEqual(await outputs(), { stdout: word });
    });

    it("that a command prints is in plain text without additionalSecretOutputs, even if its stdin is secret", async () => {
      await configure();
      await project.up(`
        const stdin = new pulumi.Config().requireSecret("word");
        new remote.Command("c", { connection, create: "cat", logging: "none", stdin });
      `);

      assert.equal((await resource("c"))?.outputs?.stdout, word);
    });

    it("is everything in a connection", async () => {
      await project.up(`new remote.Command("c", { connection, create: "true" });`);

      const state = await project.workspace.exportText();
      hides(state, "PRIVATE KEY");
      hides(state, project.server.connection.hostKey.split(" ")[1] ?? "");
    });
  });

  describe("a connection", () => {
    const command = `new remote.Command("c", { connection, create: "touch /test/ran" });`;

    it("is tried as often as dialErrorLimit says if nothing listens, and then fails", async () => {
      const port = await freePort();
      const begun = Date.now();
      const { output } = await project.failUp(command, project.connection({ port, dialErrorLimit: 2 }));

      shows(output, `after 2 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`);
      assert.match(output, /Dial 1\/2 failed: retrying/);
      assert.ok(Date.now() - begun < 30_000, "three attempts at a closed port should take seconds");
    });

    it("to a server with another host key fails before anything runs", async () => {
      const hostKey = makeKey().public;
      const { output } = await project.failUp(command, project.connection({ hostKey, dialErrorLimit: 1 }));

      assert.match(output, /after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch/);
      assert.equal(await sh("ls /test"), "");
    });

    it("with a private key that the server does not know fails without showing the key", async () => {
      const privateKey = makeKey().private;
      const { output } = await project.failUp(command, project.connection({ privateKey, dialErrorLimit: 1 }));

      shows(
        output,
        "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
          "attempted methods [none publickey], no supported methods remain",
      );
      hides(output, privateKey.split("\n")[2] ?? privateKey);
    });

    it("with an encrypted private key works with the key's password only", async () => {
      const { private: privateKey, public: publicKey } = makeKey("-N", "hunter2", "-a", "1");
      await sh(`printf '%s\\n' '${publicKey}' >> /etc/ssh/test_authorized_keys`);
      const { output } = await project.failUp(command, project.connection({ privateKey }));
      assert.match(output, /ssh: this private key is passphrase protected/);

      await project.write(command, project.connection({ privateKey, privateKeyPassword: "hunter2" }));
      await project.workspace.up();
    });

    describe("through a bastion", () => {
      let bastion: TestServer;
      /** The bastion knows the server by its own address. */
      let address: string;

      before(async () => {
        bastion = await TestServer.start({ sshdConfig: ["Match User daemon", "AllowTcpForwarding no"] });
        await bastion.sh("usermod --shell /bin/sh daemon");
        address = (await sh("hostname -I")).split(" ")[0] ?? "";
      });
      after(() => bastion.stop());

      const through = (proxyChanges: object, changes: object = {}) =>
        project.connection({ host: address, port: 22, ...changes, proxy: { ...bastion.connection, ...proxyChanges } });

      it("logs in to both, and checks the host key of each", async () => {
        await project.write(
          `export const { stdout } = new remote.Command("c", { connection, create: "cat /etc/hostname" });`,
          through({}),
        );
        await project.workspace.up();

        assert.deepEqual(await outputs(), { stdout: await sh("cat /etc/hostname") });
      });

      const refusals: [title: string, connection: () => object, message: RegExp][] = [
        [
          "fails if the bastion has another host key",
          () => through({ hostKey: makeKey().public, dialErrorLimit: 0 }),
          /proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
        ],
        [
          "names another host key of the server behind the bastion if the first attempt is the last",
          () => through({}, { hostKey: makeKey().public, dialErrorLimit: 0 }),
          /proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch/,
        ],
        [
          // All attempts share one stream.
          "does not name the host key of the server behind the bastion if there are further attempts",
          () => through({}, { hostKey: makeKey().public, dialErrorLimit: 1 }),
          /proxy: after 1 failed attempts: ssh: handshake failed: (?!ssh: host key mismatch)/,
        ],
        [
          "fails if the bastion forbids forwarding",
          () => through({ user: "daemon" }, { dialErrorLimit: 0 }),
          /proxy: after 0 failed attempts: ssh: rejected: administratively prohibited \(open failed\)/,
        ],
        [
          "fails if the bastion cannot reach the server",
          () => through({}, { port: 1, dialErrorLimit: 0 }),
          /proxy: after 0 failed attempts: ssh: rejected: connect failed \(Connection refused\)/,
        ],
      ];
      for (const [title, connection, message] of refusals) {
        it(title, async () => {
          assert.match((await project.failUp(command, connection())).output, message);
        });
      }
    });
  });

  describe("local.Command", () => {
    it("runs create, update and delete on this computer with its folder, environment and stdin", async () => {
      const { workspace } = project;
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
      await project.up(body("one"));
      assert.deepEqual(await outputs(), { stdout: `${workspace.projectDir}\none\ninput` });
      await project.up(body("two"));
      assert.deepEqual(await outputs(), { stdout: `before: ${workspace.projectDir} one input` });
      await workspace.destroy();
      assert.equal(await workspace.readFile("events"), "create\nupdate\ndelete\n");
    });

    it("runs with another interpreter, and fails with the exit status", async () => {
      const create = "[[ $0 == bash ]] && exit 3";
      const { output } = await project.failUp(
        `new local.Command("c", { create: "${create}", interpreter: ["bash", "-c"] });`,
      );

      shows(output, `exit status 3: running "${create}":`);
    });
  });

  describe("an update that the user cancels", () => {
    const start = (workspace: Workspace) =>
      workspace.start("up", "--yes", "--skip-preview", "--stack", workspace.stack);

    it("stops connecting to a server that does not answer", async () => {
      const { workspace } = project;
      const port = await freePort();
      await project.write(
        `new remote.Command("c", { connection, create: "true" });`,
        project.connection({ port, dialErrorLimit: -1 }),
      );
      const { child, ended, printed } = start(workspace);
      await waitFor("the first attempt", () => printed().includes("Dial 1/inf failed: retrying"));
      child.kill("SIGINT");
      const { code } = await ended;

      assert.notEqual(code, 0, "a cancelled up should fail");
      assert.deepEqual((await workspace.export()).pendingOperations, []);
    });

    it("lets the running command finish, and leaves a stack that works", async () => {
      const { workspace } = project;
      await project.write(`
        const first = new remote.Command("first", {
          connection, create: "touch /test/started; while ! test -e /test/go; do sleep 0.05; done; echo finished >> /test/events",
        });
        new remote.Command("second", { connection, create: "echo second >> /test/events" }, { dependsOn: first });
      `);
      const { child, ended, printed } = start(workspace);
      await waitFor("the command", () => sh("test -e /test/started && echo yes"));
      child.kill("SIGINT");
      await waitFor("the engine to notice", () => /cancel/i.test(printed()));
      await sh("touch /test/go");
      const { code } = await ended;

      assert.notEqual(code, 0, "a cancelled up should fail");
      assert.deepEqual(await project.events(), ["finished"]);
      assert.deepEqual((await workspace.export()).pendingOperations, []);

      await workspace.up();
      assert.equal((await project.events()).at(-1), "second");
    });
  });
});
