// The exact inputs and options of the components' resources, with Pulumi's mocks.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { BaseSystem } from "../../components/baseSystem";
import { NginxSite } from "../../components/nginxSite";
import { RemoteFile } from "../../components/remoteFile";
import { RemoteScript } from "../../components/remoteScript";
import { UwsgiApp } from "../../components/uwsgiApp";
import { platforms } from "../../platforms";
import { planApp } from "../../rendering/app";
import { inlineScript, renderTemplate } from "../../rendering/assets";
import { planDownloads } from "../../rendering/downloads";
import { quote } from "../../rendering/shell";
import { ed25519KeyPair } from "../../rendering/sshKey";
import { tarArchive } from "../../rendering/tarArchive";
import { ContainerServer } from "../../servers/container/server";
import { makeServer, serverSchema } from "../../servers/registry";
import type { Server } from "../../servers/server";
import { SshServer } from "../../servers/ssh/server";
import { appSchema } from "../../settings/apps";
import { settingsSchema } from "../../settings/schema";
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
  texts,
} from "../support/mocks";

const containers = {
  command: ["podman", "--runtime", "runc"],
  runOptions: ["--systemd=always"],
  image: "localhost/server:1",
};
const python = platforms.debian12.pythons["3"];
assert.ok(python, "Debian 12 has no Python 3");
const pythons = { "3": python };
const downloads = planDownloads({ ...settingsSchema.parse({}).server, onYourComputer: true }, {});
const connection = { host: "192.0.2.1", port: 22, user: "root", privateKey: "key", hostKey: "ssh-ed25519 AAAA" };

/** A server without resources of its own. */
function givenServer(): Server {
  return {
    connection: pulumi.output(connection),
    loginUser: "root",
    platform: platforms.debian12,
    address: pulumi.output("192.0.2.1"),
    httpPort: 80,
    sshCommand: pulumi.output("ssh"),
    identity: pulumi.output("machine-1"),
    deletedWith: new pulumi.ComponentResource("test:index:Machine", "machine"),
  };
}

const plan = (settings: Record<string, unknown> = {}, requirements = "") =>
  planApp(
    "hello",
    appSchema.parse(settings),
    { hash: "0123", archive: "", requirements },
    platforms.debian12,
    "2.0.31",
  );

/** The parameters of a script. */
function parameters(name: string): string[] {
  const stdin = String(input(name).stdin);
  return stdin.slice(stdin.lastIndexOf('main "$@"')).split(" \\\n  ").slice(1, -1);
}

describe("RemoteFile", () => {
  beforeEach(() => startMocks());

  it("a remote file is passed by stdin, written atomically, and removed with its resource", async () => {
    const server = givenServer();
    const file = new RemoteFile(
      "file",
      { server, path: "/etc/a b", content: "ü\n", owner: "x:y", mode: "0600" },
      recordOptions,
    );
    await settled(file.id);
    const quoted = (script: string) => inlineScript(script).replaceAll("'", `'\\''`);
    const { connection: used, ...inputs } = input("file");
    assert.deepEqual(revealed(used), { ...connection, dialErrorLimit: 10, perDialTimeout: 15 });
    assert.deepEqual(inputs, {
      create: `bash -c '${quoted("write-file.sh")}' write-file '/etc/a b' x:y 0600 3`,
      delete: `bash -c '${quoted("remove-file.sh")}' remove-file '/etc/a b'`,
      stdin: "ü\n",
      triggers: ["machine-1", "/etc/a b"],
      addPreviousOutputInEnv: false,
    });
    assert.equal(options.get("file")?.deletedWith, server.deletedWith);
    assert.equal(options.get("file")?.deleteBeforeReplace, undefined);
  });
});

describe("BaseSystem", () => {
  beforeEach(() => startMocks());

  async function make(args: Partial<ConstructorParameters<typeof BaseSystem>[1]> = {}): Promise<BaseSystem> {
    const base = new BaseSystem(
      "base",
      { server: givenServer(), pythons, uwsgiVersion: "2.0.31", packages: [], downloads, ...args },
      recordOptions,
    );
    await settled(base.versions);
    await Promise.all([base.nginx, base.aggregateUnit].map((resource) => settled(resource.urn)));
    return base;
  }

  it("the base system installs each package that Python, uWSGI and the apps need once, in a stable order", async () => {
    await make({ packages: ["libpq-dev", "curl"] });
    assert.deepEqual(parameters("base-prepare-server"), [
      "'title=Debian 12'",
      "id=debian",
      "version_id=12",
      "'architectures=x86_64 aarch64'",
      "stack=uwsgi-nginx/test",
      "'own_files=/etc/systemd/system/nginx.service.d/restart.conf /etc/systemd/system/uwsgi.service'",
      "package_config_file=/etc/uwsgi-nginx/apt.conf",
      "package_keys=",
      "package_config=",
      "ca_file=/usr/local/share/ca-certificates/uwsgi-nginx.crt",
      "ca_update=update-ca-certificates",
      "ca_bundle=/etc/ssl/certs/ca-certificates.crt",
      "ca_certificates=",
      "'disk_space=/opt=100 /usr=300 /var=250'",
      "'packages=ca-certificates curl gcc libc6-dev libpq-dev procps python3 python3-dev python3-venv'",
      "'selinux_packages=checkpolicy policycoreutils policycoreutils-python-utils semodule-utils'",
    ]);
    assert.equal(input("base-prepare-server").create, "bash -s -- up");
    assert.equal(input("base-prepare-server").delete, "bash -s -- down");
    assert.deepEqual(input("base-prepare-server").triggers, ["machine-1"]);
  });

  it("the base system compiles uWSGI once for each Python and reports the versions", async () => {
    const base = await make();
    assert.deepEqual(parameters("base-build-uwsgi-python3"), [
      "python=/usr/bin/python3",
      "virtualenv=",
      "tools=",
      "ca_bundle=/etc/ssl/certs/ca-certificates.crt",
      "pip_index=",
      "proxy=",
      "version=2.0.31",
      "folder=/opt/uwsgi/2.0.31-python3",
    ]);
    assert.deepEqual(await settled(base.versions), { "3": { uwsgi: "2.0.31", python: "3.11.2" } });
  });

  it("the base system runs its preflight checks before anything else, and all other steps in parallel as far as they allow", async () => {
    await make();
    assert.deepEqual(await dependencies("base-prepare-server"), []);
    assert.deepEqual(await dependencies("base-nginx-restart"), ["base-prepare-server"]);
    assert.deepEqual(await dependencies("base-build-uwsgi-python3"), ["base-prepare-server"]);
    assert.deepEqual(await dependencies("base-install-nginx"), ["base-nginx-restart", "base-prepare-server"]);
    assert.deepEqual(await dependencies("base-uwsgi-service"), ["base-prepare-server"]);
    assert.deepEqual(await dependencies("base-nginx-restart"), ["base-prepare-server"]);
    assert.equal(input("base-uwsgi-service").stdin, renderTemplate("uwsgi.service"));
  });

  it("the base system adds CA certificates before it installs packages", async () => {
    await make({ downloads: { ...downloads, files: { ...downloads.files, ca_certificates: "PEM\n" } } });
    const found = parameters("base-prepare-server").filter((it) => it.includes("ca_certificates="));
    assert.deepEqual(found, ["'ca_certificates=PEM\n'"]);
  });
});

describe("UwsgiApp and NginxSite", () => {
  function make(settings: Record<string, unknown> = {}, requirements = "") {
    const server = givenServer();
    const base = new BaseSystem("base", { server, pythons, uwsgiVersion: "2.0.31", packages: [], downloads });
    const app = new UwsgiApp(
      "hello",
      { server, base, downloads, plan: plan(settings, requirements), archive: "/tmp/a.tar.gz" },
      recordOptions,
    );
    const site = new NginxSite("hello", { server, plan: plan(settings), app }, recordOptions);
    return { app, site };
  }

  it("an app with its site consists of the rendered files, the code as an archive, and two scripts that activate them", async () => {
    await startMocks();
    const { app, site } = make();
    assert.equal(await settled(site.url), "http://192.0.2.1/");
    assert.equal(await settled(app.release), plan().release);
    assert.equal(await settled(app.service), "uwsgi@hello.service");

    const texts = ["hello-ini", "hello-unit", "hello-site"].map((name) => [
      String(input(name).delete).split(" ").at(-1),
      input(name).stdin,
    ]);
    assert.deepEqual(texts, [
      ["/opt/apps/hello/config/uwsgi.ini", plan().ini],
      ["/opt/apps/hello/config/uwsgi.service", plan().unit],
      ["/opt/apps/hello/config/nginx.conf", plan().site],
    ]);
    assert.equal(input("hello-code").remotePath, "/opt/apps/hello/config/app.tar.gz");
    assert.deepEqual(input("hello-code").triggers, ["machine-1"]);
    assert.equal(made.get("hello-code")?.type, "command:remote:CopyToRemote");
    for (const name of ["hello-release", "hello-activate-site"]) {
      assert.equal(input(name).create, "bash -s -- up");
      assert.equal(input(name).delete, "bash -s -- down");
      assert.equal(input(name).update, undefined);
    }
    assert.ok(
      String(input("hello-release").stdin).includes(`\n# uwsgi.service: ${plan().unitHash}\nmain "$@" `),
      "the release must run again when the unit changes",
    );
    assert.deepEqual(parameters("hello-release"), [
      "app=hello",
      `release=${plan().release}`,
      "folder=/opt/apps/hello",
      "archive=/opt/apps/hello/config/app.tar.gz",
      `venv=${plan().venv}`,
      "wheels=/opt/uwsgi/2.0.31-python3",
      "uwsgi_version=2.0.31",
      "uid=hello",
      "uid_given=false",
      "group=www-data",
      "nginx_user=www-data",
      "socket=/run/uwsgi-hello/uwsgi.sock",
      "chown_socket=hello:www-data",
      "chmod_socket=660",
      quote(`trial_ini=${plan().trialIni}`),
      "port=80",
      "host_header=localhost",
      "path=/",
      "contains=",
      "timeout=10",
    ]);
  });

  it("an app with its site is deployed in a chain of five remote steps", async () => {
    await startMocks();
    const { site } = make();
    await settled(site.url);
    assert.deepEqual(await dependencies("hello-folder"), ["base-prepare-server"]);
    for (const name of ["hello-make-environment", "hello-ini", "hello-unit", "hello-site", "hello-code"]) {
      assert.deepEqual(await dependencies(name), ["hello-folder"]);
    }
    assert.deepEqual(await dependencies("hello-release"), [
      "base-build-uwsgi-python3",
      "base-install-nginx",
      "base-uwsgi-service",
      "hello-code",
      "hello-ini",
      "hello-make-environment",
      "hello-unit",
    ]);
    assert.deepEqual(await dependencies("hello-activate-site"), ["hello", "hello-site"]);
  });

  it("an app with its site uploads its requirements before its virtual environment is created", async () => {
    await startMocks();
    const { site } = make({}, "flask\n");
    await settled(site.url);
    assert.equal(input("hello-requirements").stdin, "flask\n");
    assert.deepEqual(await dependencies("hello-make-environment"), ["hello-folder", "hello-requirements"]);
    assert.match(
      String(input("hello-make-environment").stdin),
      / requirements=\/opt\/apps\/hello\/config\/requirements.txt /,
    );
  });

  it("an app with its site has a URL with its first domain", async () => {
    await startMocks();
    const { site } = make({ domains: ["a.org", "b.org"] });
    assert.equal(await settled(site.url), "http://a.org/");
    assert.equal(await settled(make({ domains: ["*.a.org"] }).site.url), "http://www.a.org/", "any name below it");
  });
});

describe("ContainerServer", () => {
  const keys = ed25519KeyPair(createHash("sha256").update(password).digest());

  function make(privateKey?: string): ContainerServer {
    const args = { platform: platforms.debian12, containers, downloads, httpPort: 8080, sshPort: 2222, privateKey };
    return new ContainerServer("server", args, recordOptions);
  }

  /** The authorized keys and the host key, as files of the server. */
  const sshdKeys = (login: string) =>
    tarArchive([
      { path: "root/.ssh/authorized_keys", mode: 0o600, text: `${login}\n` },
      { path: "etc/ssh/ssh_host_ed25519_key", mode: 0o600, text: keys.privateKey },
    ]).toString("base64");

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
    assert.equal(revealed(stdin), `${sshdKeys(keys.publicKey)}\n`);
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
    assert.equal(revealed(input("server-known-hosts").stdin), `[127.0.0.1]:2222 ${keys.publicKey}\n`);
    assert.notEqual(
      revealed(input("server-key-file").stdin),
      input("server-key-file").stdin,
      "the key must be a secret",
    );
  });

  it("a container uses the user's own key", async () => {
    await startMocks();
    const own = ed25519KeyPair(Buffer.alloc(32, 2));
    const server = make(own.privateKey);
    await settled(server.identity);
    assert.equal((await settled(server.connection)).privateKey, own.privateKey);
    assert.equal(revealed(input("server").stdin), `${sshdKeys(own.publicKey)}\n`);
    assert.ok(!made.has("server-login-key"), "no login key must be created besides the user's own");
  });

  it("a container can be previewed before it exists", async () => {
    await startMocks(true);
    const server = make();
    const base = new BaseSystem(
      "base",
      { server, pythons, uwsgiVersion: "2.0.31", packages: [], downloads },
      recordOptions,
    );
    const app = new UwsgiApp(
      "hello",
      { server, base, downloads, plan: plan(), archive: "/tmp/a.tar.gz" },
      recordOptions,
    );
    const site = new NginxSite("hello", { server, plan: plan(), app }, recordOptions);
    await Promise.all([settled(app.urn), settled(site.urn), pulumi.runtime.disconnect()]);
    const commands = [...made].filter(([, { type }]) => type.startsWith("command:")).map(([name]) => name);
    assert.deepEqual(commands.sort(), [
      ...[
        "base-build-uwsgi-python3",
        "base-install-nginx",
        "base-nginx-restart",
        "base-prepare-server",
        "base-uwsgi-service",
      ],
      ...[
        "hello-activate-site",
        "hello-code",
        "hello-folder",
        "hello-ini",
        "hello-make-environment",
        "hello-release",
        "hello-site",
        "hello-unit",
      ],
      ...["server", "server-key-file", "server-known-hosts"],
    ]);
    // The rendered files are known even so.
    assert.equal(input("hello-ini").stdin, plan().ini);
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
    const { create, delete: remove, stdin } = input("server-key-file");
    assert.match(String(create), /^umask 077 && mkdir -p .* && cat > \.local\/servers\/test\/key$/);
    assert.match(String(remove), /^rm -f \.local\/servers\/test\/key; rmdir /);
    assert.notEqual(revealed(stdin), stdin, "the key must be a secret");
    assert.equal(revealed(stdin), "key\n", "ssh reads no key without its last newline");
    assert.equal(input("server-known-hosts").stdin, "[192.0.2.7]:2200 ssh-ed25519 AAAA\n");
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
    assert.ok(!made.has("server-key-file"), "a key of the ssh-agent must not be written to a file");
    assert.equal(revealed(input("server-bastion-key-file").stdin), "other\n");
    assert.equal(input("server-bastion-known-hosts").stdin, "192.0.2.8 ssh-ed25519 BBBB\n");
  });

  it("an existing server outlives the stack, so resources on it are removed one by one", async () => {
    const file = new RemoteFile(
      "file",
      { server: make({ user: "root" }), path: "/etc/a", content: "a" },
      recordOptions,
    );
    await settled(file.id);
    assert.equal(options.get("file")?.deletedWith, undefined);
    assert.equal(input("server").create, "true");
    assert.match(String(input("file").create), /^bash -c /);
  });

  it("an existing server runs scripts with sudo and shows them in a preview", async () => {
    const script = new RemoteScript("script", { server: make(), script: "text\n", removable: true }, recordOptions);
    await settled(script.id);
    assert.deepEqual(
      [input("script").create, input("script").delete, input("script").stdin],
      ["sudo -n bash -s -- up", "sudo -n bash -s -- down", "text\n"],
    );
  });

  it("an existing server gets the sudo password by a secret stdin only, and still shows scripts in a preview", async () => {
    const script = new RemoteScript(
      "script",
      { server: make({ sudoPassword: "hunter2" }), script: "text\n" },
      recordOptions,
    );
    await settled(script.id);
    for (const [name, stdin] of [
      ["server", "hunter2\n"],
      ["script", "hunter2\ntext\n"],
    ] as const) {
      assert.notEqual(revealed(input(name).stdin), input(name).stdin, `the stdin of ${name} must be a secret`);
      assert.equal(revealed(input(name).stdin), stdin);
      const others = JSON.stringify({ ...input(name), stdin: "" });
      assert.ok(
        !others.includes("hunter2"),
        `the sudo password must only be in the stdin of ${name}, not in: ${others}`,
      );
    }
    assert.match(String(input("script").create), / sudo bash -s --$/);
    assert.deepEqual([...texts], [["script", "text\n"]]);
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
