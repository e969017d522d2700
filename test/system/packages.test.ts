// What a server's mirrors, disk and name can do to an up, on the fake CentOS 7: made from a root file system, and as awkward
// as real servers are (test/fakes/el7/setup.sh, awkward_server).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platforms, type Platform } from "../../platforms";
import { inlineScript } from "../../rendering/assets";
import { planServer } from "../../rendering/server";
import { commandLine } from "../../rendering/shell";
import { serverStep } from "../../rendering/toolkit";
import { uwsgi } from "../support/defaults";
import { badMirrors, el7Image, el7Mirrors } from "../support/el7";
import { httpGet } from "../support/load";
import { withoutOverrides } from "../support/platforms";
import { archives, defaultDownloads, toolkit } from "../support/plans";
import { preparedImage } from "../support/preparedImage";
import { Product } from "../support/product";
import { TestServer } from "../support/testServer";

const { centos7, debian12 } = platforms;

/** The first step with the settings of a platform, as a command. */
function firstStep(platform: Platform): string {
  const { manifest } = planServer({
    ...{ stack: "uwsgi-nginx/test", loginUser: "root", platform, downloads: defaultDownloads },
    ...{ uwsgi, toolkit, apps: [] },
  });
  const stdin = Buffer.from(serverStep(manifest, archives)).toString("base64");
  const command = commandLine(["bash", "-c", inlineScript("unpack-and-run.sh"), "toolkit", "server", "up"]);
  return `echo ${stdin} | base64 -d | ${command}`;
}

describe("a server with another system than the settings say", function () {
  this.timeout(120_000);
  after(() => TestServer.stopAll());

  it("refuses a server whose platform is not that of the settings, and changes nothing", async () => {
    const server = await TestServer.start();
    await server.sh("touch /run/before");
    await assert.rejects(
      server.sh(firstStep(centos7)),
      /Error: This server runs Debian GNU\/Linux 12 \(bookworm\), but the settings say CentOS 7\. Nothing was changed\.\n.*server\.platform/,
    );
    assert.equal(await server.sh("find /etc /opt /usr -newer /run/before"), "");
  });
});

describe("a server of the fake CentOS 7, with 1 GB of memory and no swap", function () {
  this.timeout(300_000);

  let folder: string;
  let product: Product;
  let server: Record<string, unknown>;
  /** Of the server's own yum: what it takes packages from, and whom it trusts for them. */
  const ownYum = "md5sum /etc/yum.repos.d/* /etc/pki/rpm-gpg/* /etc/dnf/dnf.conf";
  let found: string | undefined;
  before(async function () {
    const made = await el7Image();
    if ("reason" in made) {
      console.log(`      skipped: ${made.reason}`);
      return this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), "el7-root-"));
    const archive = join(folder, "root.tar");
    product = await Product.make({}, { env: withoutOverrides });
    const isSmall = await product.runWith("--memory=1g", "--memory-swap=1g");
    if (!isSmall) console.log("      with all memory of this machine: the engine cannot limit it here");
    const container = await product.engine("create", made.image, "/bin/true");
    // uWSGI is compiled there, for that takes longer than all else and is seen elsewhere.
    const compiled = await preparedImage(made.image, { platform: centos7.name, mirrors: el7Mirrors }, centos7);
    const other = await product.engine("create", compiled, "/bin/true");
    await product.engine("cp", `${other}:/opt/uwsgi`, folder);
    await product.engine("cp", join(folder, "uwsgi"), `${container}:/opt/`);
    await product.engine("export", "--output", archive, container);
    await product.engine("rm", container, other);
    server = { platform: centos7.name, rootFilesystem: archive };
  });
  after(async () => {
    await (product as Product | undefined)?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const settings = (centos: readonly string[], app: Record<string, unknown> = {}) => ({
    server: { ...server, mirrors: { epel: el7Mirrors.epel, centos } },
    apps: { hello: { python: "2.7", ...app } },
  });
  const configure = (...words: Parameters<typeof settings>) => product.configure(settings(...words));
  const given = {
    /** The server is there; its own yum is as it was found. */
    async server(): Promise<void> {
      if ((await product.containers()).length === 0) {
        await configure(el7Mirrors.centos);
        await product.up("--target", "**::server");
      }
      found ??= await product.exec(ownYum);
    },
    /** An app is live on it. */
    async deployed(): Promise<void> {
      await given.server();
      if (!product.isLive) await product.deployed(settings(el7Mirrors.centos));
    },
  };

  it("creates no container from an image of another platform", async () => {
    const { image } = JSON.parse(await product.readFile(".local/containers.json")) as { image: string };
    await product.configure({ server: { platform: centos7.name, image } });
    assert.match((await product.failUp()).output, /Error: This server runs Debian .*, but the settings say CentOS 7\./);
    assert.deepEqual(await product.containers(), []);
  });

  it("creates no container from a folder that is no root file system", async () => {
    await product.configure({ server: { platform: centos7.name, rootFilesystem: product.projectDir } });
    assert.match(
      (await product.failUp()).output,
      /Error: The root file system \S+ is neither a folder nor a tar archive with etc\/os-release\. Nothing was changed\.\n.*server\.rootFilesystem/,
    );
    assert.deepEqual(await product.containers(), []);
  });

  it("names the package that the mirrors lack, and changes nothing", async () => {
    await given.server();
    await configure([badMirrors.withoutHeaders]);
    const { output } = await product.failUp();
    assert.match(output, /Error: The package python-devel does not exist\.\n/);
    assert.doesNotMatch(output, /hello-app created/);
    assert.equal(await product.exec(ownYum), found);
    assert.equal(await product.exec("find /etc/uwsgi-nginx /var/cache/yum -mindepth 1 || true"), "");
  });

  it("installs no package that is signed with another key", async () => {
    await given.server();
    await configure([badMirrors.forged]);
    assert.match(
      (await product.failUp()).output,
      /Error: The packages are not signed with the key that the server trusts/,
    );
    assert.equal(await product.exec("rpm --query gcc || true"), "package gcc is not installed");
  });

  it("trusts EPEL's own key for EPEL's packages, unless the server has another one", async () => {
    const file = "/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7";
    await given.server();
    // Earlier tests may have imported keys.
    await product.exec(
      `mv ${file} /root/; rpm --query gpg-pubkey | grep ^gpg-pubkey | xargs --no-run-if-empty rpm --erase`,
    );
    await configure(el7Mirrors.centos);
    try {
      assert.match(
        (await product.failUp()).output,
        /Error: The packages are not signed with the key that the server trusts/,
      );
    } finally {
      await product.exec(`mv /root/${file.split("/").at(-1) ?? ""} ${file}`);
    }
  });

  it("says that no mirror answers", async () => {
    await configure([badMirrors.dead]);
    assert.match(
      (await product.failUp()).output,
      /Error: The server could not download packages from any mirror [^]*server\.mirrors/,
    );
  });

  it("installs from the next mirror when the first is dead, and keeps the server's own repository files", async () => {
    await given.server();
    await configure([badMirrors.dead, ...el7Mirrors.centos]);
    await product.up();
    assert.match((await httpGet(product.url)).text, /Hello There!/);
    assert.equal(await product.ssh(ownYum), found);
    assert.equal(await product.ssh("rpm --query epel-release || true"), "package epel-release is not installed");
    assert.equal(await product.ssh("find /var/cache/yum -name '*.rpm'"), "", "no package stays in the cache");
    const pip = "/opt/apps/hello/current/venv/bin/python -m pip list 2> /dev/null | grep -E '^(pip|setuptools) '";
    assert.match(await product.ssh(pip), /^pip +20\.3\.4\nsetuptools +44\.1\.1$/);
    assert.match(await product.ssh("python2.7 -m pip --version"), /^pip 8\.1\.2 /, "the system's own pip stays");
  });

  it("refuses the settings of another platform, and changes nothing", async () => {
    await given.deployed();
    await product.ssh("touch /run/before");
    await assert.rejects(
      product.ssh(firstStep(debian12)),
      /Error: This server runs CentOS Linux 7 \(Core\), but the settings say Debian 12\. Nothing was changed\./,
    );
    assert.equal(await product.ssh("find /etc /opt /usr -newer /run/before"), "");
  });

  it("says which Python the server has when a requirement needs a newer one", async () => {
    const source = await product.writeApp("new", {
      "wsgi.py": "application = None\n",
      "requirements.txt": "flask==3.0.3\n",
    });
    await configure(el7Mirrors.centos, { source });
    assert.match(
      (await product.failUp()).output,
      /Installing the requirements with Python 2\.7\.\d+ failed\.[^]*Fix: choose one of these versions: they are those for Python 2\.7\.\d+, or set apps\.\w+\.python to 3\./,
    );
  });

  it("reads UTF-8 when it builds and tries a release, as the app's unit does", async () => {
    await given.server();
    const reading = (file: string) =>
      `import io, os\nio.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "${file}")).read()\n`;
    const files = {
      README: "Grüße\n",
      "setup.py": `${reading("README")}from setuptools import setup\nsetup(name="greeting")\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      await product.exec(
        `mkdir -p /srv/greeting; echo ${Buffer.from(text).toString("base64")} | base64 -d > /srv/greeting/${name}`,
      );
    }
    const source = await product.writeApp("utf8", {
      "wsgi.py": `${reading("text")}def application(environ, start_response):\n    start_response("200 OK", [])\n    return [b"read"]\n`,
      text: "Grüße\n",
      "requirements.txt": "file:///srv/greeting\n",
    });
    await configure(el7Mirrors.centos, { source });
    await product.up();
    assert.equal((await httpGet(product.url)).text, "read");
  });

  it("reports a read-only /etc and a full disk before anything is changed", async () => {
    await given.deployed();
    await configure(el7Mirrors.centos, { packages: ["python3-devel"] });
    await product.exec("mount --bind /etc /etc && mount -o remount,bind,ro /etc");
    assert.match(
      (await product.failUp()).output,
      /Error: The folder \/etc on this server is not writable: \/etc .*\. Nothing was changed\.\n/,
    );
    await product.exec("umount /etc && mount -t tmpfs -o size=8m tmpfs /opt");
    assert.match(
      (await product.failUp()).output,
      /Error: The server's disk is full: 8 MB are free for \/opt, and 100 MB are needed\. Nothing was changed\.\n/,
    );
    await product.exec("umount /opt");
    assert.equal(await product.ssh("rpm --query python3-devel || true"), "package python3-devel is not installed");
    await product.up();
    assert.match((await httpGet(product.url)).text, /Hello There!/);
  });

  it("removes container and image of the root file system with destroy", async () => {
    await given.server();
    const [container = ""] = await product.containers();
    const image = (await product.engine("inspect", "--format", "{{.Config.Image}}", container)).trim();
    assert.match(image, /:root-uwsgi-nginx-/, "its own, not one that others share");
    await product.destroy();
    assert.deepEqual(await product.containers(), []);
    assert.equal((await product.engine("images", "--quiet", image)).trim(), "");
  });
});
