// npm run render: what a server would receive, as a folder.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { manifestText } from "../../../rendering/manifest";
import { render } from "../../../toolchain/render";
import { uwsgi } from "../../support/defaults";
import { defaultDownloads, helloFiles, toolkit } from "../../support/plans";
import { platforms } from "../../../platforms";
import { planServer } from "../../../rendering/server";
import { projectFolder, put, removeProjectFolders } from "./support";

describe("npm run render", () => {
  afterEach(removeProjectFolders);

  /** A project with these settings of the stack `test`, and the folder to write. */
  const project = (config: unknown) => {
    const root = projectFolder();
    put(join(root, "Pulumi.test.yaml"), JSON.stringify({ config }));
    put(join(root, "assets/apps/hello/wsgi.py"), "application = None\n");
    return { root, folder: join(root, "rendered") };
  };
  const read = (folder: string, name: string) => readFileSync(join(folder, name), "utf8");
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(folder, name)).isFile());

  it("writes toolkit, manifests, uploads, and the files as they will stand on the server", () => {
    const { root, folder } = project({ "example:apps": { hello: { processes: 7 } } });
    const written = render(root, "test", folder);
    assert.deepEqual(filesIn(folder).sort(), [...written].sort());
    const paths = written.filter((name) => !name.startsWith("toolkit/") && !name.endsWith(".crt")).sort();
    assert.deepEqual(paths, [
      "files/etc/nginx/conf.d/hello.conf",
      "files/etc/systemd/system/nginx.service.d/restart.conf",
      "files/etc/systemd/system/uwsgi-build@.service",
      "files/etc/systemd/system/uwsgi.service",
      "files/etc/systemd/system/uwsgi@hello.service",
      "files/etc/systemd/system/uwsgi@hello.socket",
      "files/opt/apps/hello/current/uwsgi.ini",
      "manifests/apps/hello",
      "manifests/server",
      "set-up.sh",
      "uploads/hello.tar.gz",
      "uploads/toolkit.tar.gz",
    ]);
    assert.ok(written.includes("toolkit/run.sh"), "the toolkit should be there, too");
    const { ini, unit, site } = helloFiles({ processes: 7 });
    assert.equal(read(folder, "files/opt/apps/hello/current/uwsgi.ini"), ini);
    assert.equal(read(folder, "files/etc/systemd/system/uwsgi@hello.service"), unit);
    assert.equal(read(folder, "files/etc/nginx/conf.d/hello.conf"), site);
    assert.match(read(folder, "manifests/apps/hello"), /^\|processes = 7$/m);
    assert.equal(statSync(join(folder, "set-up.sh")).mode & 0o777, 0o755);
  });

  it("writes the same manifest that a deployment sends", () => {
    const { root, folder } = project({});
    render(root, "test", folder);
    const { manifest } = planServer({
      ...{ stack: "example/test", loginUser: "root", platform: platforms.debian12, uwsgi },
      ...{ downloads: defaultDownloads, toolkit, apps: [{ python: "3", packages: [] }] },
    });
    const withoutCertificates = (text: string) => text.replace(/^ca_certificates(=\n|:\n(\|.*\n)*)/m, "");
    assert.equal(
      withoutCertificates(read(folder, "manifests/server")).trim(),
      withoutCertificates(manifestText(manifest)).trim(),
    );
  });

  it("leaves the secrets of an app to be filled in", () => {
    const secrets = { TOKEN: { secure: "v1:encrypted" }, PLAIN: "hunter2" };
    const { root, folder } = project({ "example:apps": { hello: { secrets } } });
    const written = render(root, "test", folder);
    assert.equal(read(folder, "secrets/hello"), '# by-hand\nTOKEN=""\nPLAIN=""\n# end of by-hand\n');
    assert.match(read(folder, "manifests/apps/hello"), /^secrets=by-hand$/m);
    for (const name of written) assert.doesNotMatch(read(folder, name), /v1:encrypted|hunter2/, `${name} has a secret`);
  });

  it("leaves those of pip to be filled in, and reads settings without the project's name as Pulumi does", () => {
    const pip = { index: "https://me:${TOKEN}@a.org/simple", secrets: { TOKEN: { secure: "v1:encrypted" } } };
    const { root, folder } = project({ apps: { shop: { pip } } });
    const written = render(root, "test", folder);
    assert.match(read(folder, "manifests/apps/shop"), /^pip_secrets=by-hand$/m);
    assert.match(read(folder, "secrets/shop.pip"), /^set TOKEN=TOKEN$/m);
    for (const name of written) assert.doesNotMatch(read(folder, name), /v1:encrypted/, `${name} has a secret`);
  });

  it("needs no secret", () => {
    const server = { kind: "ssh", address: "192.0.2.7", user: "admin", hostKey: `ssh-ed25519 ${"A".repeat(68)}` };
    const secrets = { privateKey: { secure: "AAAA" }, sudoPassword: { secure: "BBBB" } };
    const { root, folder } = project({ "example:server": { ...server, ...secrets } });
    const written = render(root, "test", folder);
    assert.match(read(folder, "manifests/server"), /^login_user=admin$/m);
    for (const name of written) assert.doesNotMatch(read(folder, name), /192\.0\.2\.7|AAAA/, `${name} has a login`);
  });

  it("refuses a secret that a deployment would not keep secret", () => {
    const { root, folder } = project({ "example:server": { proxy: { secure: "AAAA" } } });
    assert.throws(() => render(root, "test", folder), /server\.proxy: set as a secret, but it is not kept secret\./);
  });

  it("refuses wrong settings, a stack without settings and a folder with files, and writes nothing", () => {
    const { root, folder } = project({ "example:apps": { hello: { processes: 0 } } });
    assert.throws(
      () => render(root, "test", folder),
      /A setting is wrong\. Nothing was changed\.[^]*apps\.hello\.processes/,
    );
    assert.throws(
      () => render(root, "other", folder),
      /The stack other has no settings .* Nothing was changed\.\nFix: /,
    );
    assert.throws(() => render(root, "test", join(root, "assets")), /is not empty\. Nothing was changed\.\nFix: /);
    assert.ok(!existsSync(folder), "nothing should be written");
  });
});
