// The exact inputs and options of the components' resources, with Pulumi's mocks.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { BaseSystem } from "../../components/baseSystem";
import { sendNoDebugMessages } from "../../components/debugMessages";
import { RemoteStep } from "../../components/remoteStep";
import { UwsgiApp } from "../../components/uwsgiApp";
import { platforms } from "../../platforms";
import { withHost, withPipSecrets, withSecrets } from "../../rendering/app";
import { inlineScript } from "../../rendering/assets";
import { manifestText } from "../../rendering/manifest";
import { pipSecretFile, pipSecretLines } from "../../rendering/pipSecrets";
import { fingerprint, secretsFile } from "../../rendering/secrets";
import { planServer } from "../../rendering/server";
import { ed25519KeyPair } from "../../rendering/sshKey";
import { tarArchive } from "../../rendering/tarArchive";
import { serverStep } from "../../rendering/toolkit";
import { ContainerServer } from "../../servers/container/server";
import { makeServer, serverSchema } from "../../servers/registry";
import type { Server } from "../../servers/server";
import { SshServer } from "../../servers/ssh/server";
import { uwsgi } from "../support/defaults";
import { makeKey } from "../support/keys";
import {
  dependencies,
  input,
  made,
  options,
  password,
  recordOptions,
  revealed,
  settled,
  startMocks,
} from "../support/mocks";
import { archives, defaultDownloads, helloPlan, toolkit } from "../support/plans";

const containers = {
  command: ["podman", "--runtime", "runc"],
  runOptions: ["--systemd=always"],
  image: "localhost/server:1",
};
const downloads = defaultDownloads;
const connection = { host: "192.0.2.1", port: 22, user: "root", privateKey: "key", hostKey: "ssh-ed25519 AAAA" };

/** A server without resources of its own. */
function givenServer(): Server {
  return {
    connection: pulumi.output(connection),
    platform: platforms.debian12,
    address: pulumi.output("192.0.2.1"),
    httpPort: 80,
    sshCommand: pulumi.output("ssh"),
    identity: pulumi.output("machine-1"),
    deletedWith: new pulumi.ComponentResource("test:index:Machine", "machine"),
  };
}

function makeContainer(privateKey?: string): ContainerServer {
  const args = { platform: platforms.debian12, containers, downloads, httpPort: 8080, sshPort: 2222, privateKey };
  return new ContainerServer("server", args, recordOptions);
}

describe("RemoteStep", () => {
  beforeEach(() => startMocks());

  it("a step runs its command as root with its stdin, and again when the server is another one", async () => {
    const server = givenServer();
    const step = new RemoteStep("step", { server, command: ["bash", "a b"], stdin: "text\n" }, recordOptions);
    await settled(step.id);
    const { connection: used, ...inputs } = input("step");
    assert.deepEqual(revealed(used), { ...connection, dialErrorLimit: 10, perDialTimeout: 15 });
    assert.deepEqual(inputs, {
      create: "bash 'a b' up",
      delete: "bash 'a b' down",
      stdin: "text\n",
      triggers: ["machine-1"],
      addPreviousOutputInEnv: false,
    });
    assert.deepEqual(options.get("step")?.hideDiffs, ["stdin"], "the component shows what its steps do");
    assert.equal(options.get("step")?.deletedWith, server.deletedWith);
    assert.equal(options.get("step")?.deleteBeforeReplace, undefined);
  });
});

describe("BaseSystem and UwsgiApp", () => {
  function make(settings: Record<string, unknown> = {}, server: Server = givenServer()) {
    const appPlan = helloPlan(settings);
    const plan = planServer({
      stack: "uwsgi-nginx/test",
      loginUser: "root",
      platform: server.platform,
      downloads: defaultDownloads,
      uwsgi,
      toolkit,
      apps: [appPlan.settings],
    });
    const step = serverStep(plan.manifest, archives);
    const base = new BaseSystem("base", { server, plan, step, toolkit: "/tmp/toolkit.tar.gz" }, recordOptions);
    const app = new UwsgiApp("hello", { server, base, plan: appPlan, archive: "/tmp/a.tar.gz" }, recordOptions);
    return { base, app, plan, appPlan };
  }

  it("the first step brings what it needs, and all others use the toolkit that is on the server then", async () => {
    await startMocks();
    const { base, app, plan, appPlan } = make();
    assert.equal(await settled(app.url), "http://192.0.2.1/");
    assert.equal(await settled(app.release), appPlan.manifest.release);
    assert.equal(await settled(app.service), "uwsgi@hello.service");
    assert.deepEqual(await settled(base.versions), { "3": { uwsgi: "2.0.31", python: "3.11.2" } });
    const first = `bash -c '${inlineScript("unpack-and-run.sh").replaceAll("'", `'\\''`)}' toolkit server`;
    assert.equal(input("base-server").create, `${first} up`);
    assert.equal(input("base-server").delete, `${first} down`);
    assert.equal(input("base-server").stdin, serverStep(plan.manifest, archives));
    assert.equal(input("hello-app").create, "bash /var/lib/uwsgi-nginx/run app up");
    assert.equal(input("hello-app").delete, "bash /var/lib/uwsgi-nginx/run app down");
    assert.equal(input("hello-app").stdin, manifestText(withHost(appPlan.manifest, "192.0.2.1")));
  });

  it("toolkit and code are uploaded to a folder of the login user's, and again when the server is another one", async () => {
    await startMocks();
    const { app } = make();
    await settled(app.url);
    for (const [name, file] of [
      ["base-toolkit", "toolkit.tar.gz"],
      ["hello-code", "hello.tar.gz"],
    ] as const) {
      assert.equal(made.get(name)?.type, "command:remote:CopyToRemote");
      assert.equal(input(name).remotePath, `/var/lib/uwsgi-nginx/uploads/${file}`);
      assert.deepEqual(input(name).triggers, ["machine-1"]);
    }
  });

  it("a preview compares texts that are recorded once their step has succeeded", async () => {
    await startMocks();
    const { app, plan, appPlan } = make();
    await settled(app.url);
    await pulumi.runtime.disconnect();
    assert.deepEqual(input("base-files"), plan.shown);
    assert.deepEqual(input("hello-files"), appPlan.shown);
    assert.deepEqual(await dependencies("base-files"), ["base-server"]);
    assert.deepEqual(await dependencies("hello-files"), ["hello-app"]);
  });

  it("a server with an app has four remote resources in a chain of three", async () => {
    await startMocks();
    const { app } = make();
    await settled(app.url);
    const remote = [...made].filter(([, { type }]) => type.startsWith("command:remote:")).map(([name]) => name);
    assert.deepEqual(remote.sort(), ["base-server", "base-toolkit", "hello-app", "hello-code"]);
    assert.deepEqual(await dependencies("base-server"), []);
    assert.deepEqual(await dependencies("base-toolkit"), ["base-server"]);
    assert.deepEqual(await dependencies("hello-code"), ["base-server"]);
    assert.deepEqual(await dependencies("hello-app"), ["base-toolkit", "hello-code"]);
  });

  it("an app's secrets are in a resource of their own, encrypted, and their keyed hash in those that depend on them", async () => {
    await startMocks();
    const secrets = { TOKEN: "hunter2" };
    const { app, appPlan } = make({ secrets });
    await settled(app.url);
    await pulumi.runtime.disconnect();
    const hash = fingerprint(secrets, password);
    const { stdin } = input("hello-secrets");
    assert.notEqual(revealed(stdin), stdin, "they must be a secret");
    assert.equal(revealed(stdin), secretsFile(secrets, hash));
    assert.equal(input("hello-secrets").create, "bash /var/lib/uwsgi-nginx/keep-secrets hello up");
    assert.equal(input("hello-secrets").delete, "bash /var/lib/uwsgi-nginx/keep-secrets hello down");
    assert.deepEqual(options.get("hello-secrets")?.hideDiffs, [], "a preview shows [secret]");
    const manifest = withSecrets(appPlan, hash);
    assert.equal(input("hello-app").stdin, manifestText(withHost(manifest, "192.0.2.1")));
    assert.equal(await settled(app.release), manifest.release);
    assert.deepEqual(input("hello-files"), { ...appPlan.shown, secrets: `TOKEN (${hash.slice(0, 8)})` });
    assert.deepEqual(await dependencies("hello-secrets"), ["base-server"]);
    assert.deepEqual(await dependencies("hello-app"), ["base-toolkit", "hello-code", "hello-secrets"]);
    for (const [name, { inputs }] of made) {
      if (name === "hello-secrets") continue;
      assert.ok(!JSON.stringify(inputs).includes("hunter2"), `${name} must not have a secret`);
    }
  });

  it("a generated secret is a random password, and other resources get it only as a secret", async () => {
    await startMocks();
    const { app } = make({ secrets: { KEY: { generate: true }, PIN: { generate: 20 } } });
    await settled(app.url);
    await pulumi.runtime.disconnect();
    assert.deepEqual(
      [input("hello-secret-KEY"), input("hello-secret-PIN")],
      [64, 20].map((length) => ({ length, special: false })),
    );
    const values = { KEY: password, PIN: password };
    const { stdin } = input("hello-secrets");
    assert.notEqual(revealed(stdin), stdin, "it must be a secret");
    assert.equal(revealed(stdin), secretsFile(values, fingerprint(values, password)));
    for (const [name, { inputs }] of made) {
      if (name !== "hello-secrets") assert.ok(!JSON.stringify(inputs).includes(password), `${name} must not have it`);
    }
  });

  it("the SDK sends no debug messages, which would show generated secrets", async () => {
    const sent = pulumi.log.debug;
    sendNoDebugMessages();
    try {
      assert.notEqual(pulumi.log.debug, sent);
      await pulumi.log.debug("nothing");
    } finally {
      Object.assign(pulumi.log, { debug: sent });
    }
  });

  it("an app has a URL with its first domain", async () => {
    await startMocks();
    assert.equal(await settled(make({ domains: ["a.org", "b.org"] }).app.url), "http://a.org/");
    assert.equal(await settled(make({ domains: ["*.a.org"] }).app.url), "http://www.a.org/", "any name below it");
  });

  it("an app's health check sends the Host header that a visitor of its URL sends, or the one that is set", async () => {
    await startMocks();
    const on = (address: string, port = 80) => ({
      ...givenServer(),
      ...{ address: pulumi.output(address), httpPort: port },
    });
    const cases: [Record<string, unknown>, Server, string, string][] = [
      [{}, on("192.0.2.1", 8080), "http://192.0.2.1:8080/", "192.0.2.1:8080"],
      [{}, on("2001:db8::1"), "http://[2001:db8::1]/", "[2001:db8::1]"],
      [{ domains: ["a.org"] }, on("192.0.2.1", 8080), "http://a.org:8080/", "a.org:8080"],
      [{ domains: ["*.a.org"] }, on("192.0.2.1"), "http://www.a.org/", "www.a.org"],
      [{ healthCheck: { host: "b.org" } }, on("192.0.2.1", 8080), "http://192.0.2.1:8080/", "b.org"],
    ];
    for (const [settings, server, url, host] of cases) {
      const { app } = make(settings, server);
      assert.equal(await settled(app.url), url);
      assert.deepEqual(await settled(app.healthCheck), { path: "/", host });
      assert.ok(String(input("hello-app").stdin).includes(`\nhost_header=${host}\n`), String(input("hello-app").stdin));
    }
    const { app } = make({ healthCheck: { path: "/up", status: 401, contains: "log in" } });
    const expected = { path: "/up", host: "192.0.2.1", status: [401], contains: "log in" };
    assert.deepEqual(await settled(app.healthCheck), expected);
  });

  it("the secrets of pip are in a resource of their own, encrypted, and do not change what a release is", async () => {
    await startMocks();
    const pip = { index: "https://me:${TOKEN}@example.org/simple", secrets: { TOKEN: "hunter2" } };
    const { app, appPlan } = make({ pip });
    await Promise.all([settled(app.urn), pulumi.runtime.disconnect()]);
    const lines = pipSecretLines(appPlan.settings.pip);
    const hash = fingerprint({ lines: lines.join("\n") }, password);
    const { stdin, create, delete: remove } = input("hello.pip-secrets");
    assert.notEqual(revealed(stdin), stdin, "the secrets must be a secret");
    assert.equal(revealed(stdin), pipSecretFile(lines, hash));
    assert.equal(create, "bash /var/lib/uwsgi-nginx/keep-secrets hello.pip up");
    assert.equal(remove, "bash /var/lib/uwsgi-nginx/keep-secrets hello.pip down");
    assert.equal(input("hello-app").stdin, manifestText(withPipSecrets(withHost(appPlan.manifest, "192.0.2.1"), hash)));
    assert.deepEqual(input("hello-files"), { ...appPlan.shown, "pip's secrets": `TOKEN (${hash.slice(0, 8)})` });
    assert.deepEqual(await dependencies("hello-app"), ["base-toolkit", "hello-code", "hello.pip-secrets"]);
    for (const [name, { inputs }] of made) {
      if (name === "hello.pip-secrets") continue;
      assert.ok(!JSON.stringify(inputs).includes("hunter2"), `${name} must not have the secret`);
    }
  });

  it("everything can be previewed before the server exists", async () => {
    await startMocks(true);
    const server = makeContainer();
    const { base, app, appPlan } = make({}, server);
    await Promise.all([settled(base.urn), settled(app.urn), pulumi.runtime.disconnect()]);
    assert.deepEqual(input("hello-files"), appPlan.shown);
    assert.equal(input("hello-app").stdin, manifestText(withHost(appPlan.manifest, "127.0.0.1:8080")));
  });
});

describe("ContainerServer", () => {
  const keys = ed25519KeyPair(createHash("sha256").update(password).digest());

  const make = makeContainer;

  /** The authorized keys and the host key, as files of the server. */
  const sshdFiles = (login: string) =>
    tarArchive([
      { name: "root/.ssh/authorized_keys", mode: 0o600, text: `${login}\n` },
      { name: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: keys.privateKey },
    ]);
  /** The first and only line of stdin. */
  const sentFiles = () => gunzipSync(Buffer.from(String(revealed(input("server").stdin)).trimEnd(), "base64"));

  it("a container gets its keys before it boots, and is replaced when its image, ports, options or keys change", async () => {
    await startMocks();
    const server = make();
    await settled(server.identity);
    const name = `uwsgi-nginx-test-${createHash("sha256").update(keys.publicKey).digest("hex").slice(0, 8)}`;
    const { stdin, ...inputs } = input("server");
    const words = [
      ...["image=localhost/server:1", "root_filesystem=", "needs_cgroup_v1=false"],
      ...["ssh_port=2222", "http_port=8080"],
    ];
    assert.deepEqual(inputs, {
      create: `bash assets/scripts/container-server.sh up stack=test name=${name} ${words.join(" ")} podman --runtime runc -- --systemd=always -- /sbin/init`,
      delete: "bash assets/scripts/container-server.sh down podman --runtime runc",
      update: `printf '%s\\n' "$PULUMI_COMMAND_STDOUT"`,
      triggers: [...words, "--systemd=always", "/sbin/init", keys.publicKey, keys.publicKey],
    });
    assert.notEqual(revealed(stdin), stdin, "the keys must be a secret");
    assert.deepEqual(sentFiles(), sshdFiles(keys.publicKey));
    assert.equal(options.get("server")?.deleteBeforeReplace, undefined, "see serverResourceOptions");
  });

  it("a container is connected to with its own key and a pinned host key", async () => {
    await startMocks();
    const server = make();
    await pulumi.runtime.disconnect();
    assert.deepEqual(await settled(server.connection), {
      host: "127.0.0.1",
      port: 2222,
      user: "root",
      privateKey: keys.privateKey,
      hostKey: keys.publicKey,
    });
    const { stdin } = input("server-login-files");
    assert.equal(revealed(stdin), `[127.0.0.1]:2222 ${keys.publicKey}\n${keys.privateKey}`);
    assert.notEqual(revealed(stdin), stdin, "the key must be a secret");
  });

  it("a container uses the user's own key", async () => {
    await startMocks();
    const own = ed25519KeyPair(Buffer.alloc(32, 2));
    const server = make(own.privateKey);
    await settled(server.identity);
    assert.equal((await settled(server.connection)).privateKey, own.privateKey);
    assert.deepEqual(sentFiles(), sshdFiles(own.publicKey));
    assert.ok(!made.has("server-login-key"), "no login key must be created besides the user's own");
  });
});

describe("SshServer", () => {
  const args = {
    platform: platforms.debian12,
    address: "192.0.2.7",
    port: 2200,
    user: "admin",
    privateKey: "key",
    privateKeyPassphrase: "phrase",
    hostKey: "ssh-ed25519 AAAA",
    connectTimeoutSeconds: 5,
    httpPort: 80,
  };
  const bastion = { address: "192.0.2.8", port: 22, user: "jumper", hostKey: "ssh-ed25519 BBBB" };
  const endpoint = {
    host: "192.0.2.7",
    port: 2200,
    user: "admin",
    privateKey: "key",
    privateKeyPassword: "phrase",
    hostKey: "ssh-ed25519 AAAA",
    perDialTimeout: 5,
  };
  const proxy = { host: "192.0.2.8", port: 22, user: "jumper", hostKey: "ssh-ed25519 BBBB", perDialTimeout: 5 };
  const make = (more: Partial<ConstructorParameters<typeof SshServer>[1]> = {}) =>
    new SshServer("server", { ...args, ...more }, recordOptions);
  const step = (server: Server) =>
    new RemoteStep("step", { server, command: ["bash", "run"], stdin: "text\n" }, recordOptions);
  const defined = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

  beforeEach(() => startMocks());

  it("an existing server is connected to with its own key, host key and bastion, and its login is checked once before anything else", async () => {
    const server = make({ bastion });
    assert.deepEqual(defined(await settled(server.connection)), { ...endpoint, proxy });
    assert.equal(await settled(server.identity), "ssh-ed25519 AAAA");
    const { connection: used, ...inputs } = input("server");
    const once = { dialErrorLimit: 0 };
    assert.deepEqual(defined(revealed(used)), { ...endpoint, ...once, proxy: { ...proxy, ...once } });
    assert.deepEqual(inputs, {
      create: `bash -c '${inlineScript("check-sudo.sh").replaceAll("'", `'\\''`)}' check-sudo none`,
      triggers: ["ssh-ed25519 AAAA"],
      addPreviousOutputInEnv: false,
    });
  });

  it("an existing server has a login command with its key and its host key in files that are removed with the stack", async () => {
    const server = make({ privateKey: "key" });
    assert.equal(
      await settled(server.sshCommand),
      "ssh -p 2200 -i .local/servers/test/key -o IdentitiesOnly=yes -o UserKnownHostsFile=.local/servers/test/known_hosts admin@192.0.2.7",
    );
    await pulumi.runtime.disconnect();
    const { create, delete: remove, stdin } = input("server-login-files");
    assert.notEqual(revealed(stdin), stdin, "the key must be a secret");
    const folder = mkdtempSync(join(tmpdir(), "login-files-"));
    const shell = (script: unknown) =>
      execFileSync("sh", ["-c", String(script)], { cwd: folder, input: String(revealed(stdin)) });
    const files = join(folder, ".local/servers/test");
    try {
      shell(create);
      assert.equal(readFileSync(join(files, "key"), "utf8"), "key\n", "ssh reads no key without its last newline");
      assert.equal(statSync(join(files, "key")).mode & 0o777, 0o600, "ssh refuses a key that others can read");
      assert.equal(readFileSync(join(files, "known_hosts"), "utf8"), "[192.0.2.7]:2200 ssh-ed25519 AAAA\n");
      shell(remove);
      assert.ok(!existsSync(files), "no key must be left behind");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("an existing server has a login command through a bastion with the bastion's own key, and with the keys of an ssh-agent", async () => {
    const server = make({
      privateKey: undefined,
      address: "2001:db8::1",
      bastion: { ...bastion, privateKey: "other" },
    });
    const proxy = [
      "ssh -p 22 -i .local/servers/test/bastion_key -o IdentitiesOnly=yes",
      "-o UserKnownHostsFile=.local/servers/test/bastion_known_hosts",
      `-W '\\''[2001:db8::1]:2200'\\'' jumper@192.0.2.8`,
    ].join(" ");
    assert.equal(
      await settled(server.sshCommand),
      `ssh -p 2200 -o UserKnownHostsFile=.local/servers/test/known_hosts -o 'ProxyCommand=${proxy}' admin@2001:db8::1`,
    );
    await pulumi.runtime.disconnect();
    const { create, stdin } = input("server-login-files");
    assert.match(String(create), / && rm -f \.local\/servers\/test\/key$/, "an earlier key must not be left behind");
    assert.equal(
      stdin,
      "[2001:db8::1]:2200 ssh-ed25519 AAAA\n",
      "a key of the ssh-agent must not be written to a file",
    );
    assert.equal(revealed(input("server-bastion-login-files").stdin), "192.0.2.8 ssh-ed25519 BBBB\nother\n");
  });

  it("an existing server outlives the stack, so resources on it are removed one by one", async () => {
    await settled(step(make({ user: "root" })).id);
    assert.equal(options.get("step")?.deletedWith, undefined);
    assert.equal(input("server").create, "true");
    assert.equal(input("step").create, "bash run up");
  });

  it("an existing server runs steps with sudo", async () => {
    await settled(step(make()).id);
    assert.deepEqual(
      [input("step").create, input("step").delete, input("step").stdin],
      ["sudo -n bash run up", "sudo -n bash run down", "text\n"],
    );
  });

  it("an existing server gets the sudo password by a secret stdin only", async () => {
    await settled(step(make({ sudoPassword: "hunter2" })).id);
    for (const [name, stdin] of [
      ["server", "hunter2\n"],
      ["step", "hunter2\ntext\n"],
    ] as const) {
      assert.notEqual(revealed(input(name).stdin), input(name).stdin, `the stdin of ${name} must be a secret`);
      assert.equal(revealed(input(name).stdin), stdin);
      const others = JSON.stringify({ ...input(name), stdin: "" });
      assert.ok(
        !others.includes("hunter2"),
        `the sudo password must only be in the stdin of ${name}, not in: ${others}`,
      );
    }
    assert.match(String(input("step").create), / sudo bash run up$/);
  });

  describe("with an ssh-agent", () => {
    const socket = process.env.SSH_AUTH_SOCK;
    const settings = serverSchema.parse({
      kind: "ssh",
      address: "192.0.2.7",
      hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
    });
    afterEach(() => {
      if (socket === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = socket;
    });

    it("an existing server needs an ssh-agent if no key is set, but not if one is", async () => {
      delete process.env.SSH_AUTH_SOCK;
      assert.throws(
        () => makeServer("server", settings, { downloads, domains: [] }),
        /server\.privateKey is not set, and no ssh-agent is running/,
      );
      const server = makeServer("server", { ...settings, privateKey: "key" }, { downloads, domains: [] });
      await settled(server.identity);
    });

    it("a server on AWS does not need an ssh-agent in a preview, which connects to no server", async () => {
      delete process.env.SSH_AUTH_SOCK;
      const publicKey = makeKey().public;
      const aws = { kind: "aws", region: "eu-central-1", sshCidrs: ["198.51.100.7/32"], publicKey };
      const onAws = () => makeServer("server", serverSchema.parse(aws), { downloads, domains: [] });
      const lookUp = () => ({ ids: ["ami-0123456789abcdef0"] });
      await startMocks(true, { lookUp });
      onAws();
      await pulumi.runtime.disconnect();
      await startMocks(false, { lookUp });
      assert.throws(onAws, /server\.privateKey is not set, and no ssh-agent is running/);
    });

    it("an existing server is not created if SSH_AUTH_SOCK names an agent that is not running, even with a key", () => {
      process.env.SSH_AUTH_SOCK = "/nowhere/agent";
      const withKey = { ...settings, privateKey: "key" } as typeof settings;
      assert.throws(
        () => makeServer("server", withKey, { downloads, domains: [] }),
        /an ssh-agent that is not running: \/nowhere\/agent\..*\nFix: .*unset SSH_AUTH_SOCK/,
      );
    });
  });
});
