// A second project of one's own: made from this one as a template, or a copy under another name.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBackendUrl } from "../../toolchain/engine/environment";
import { Checkout } from "../support/checkout";
import { Workspace } from "../support/engine";
import { root } from "../support/root";

describe("a second project", function () {
  this.timeout(120_000);

  let template: Checkout;
  let folder: string;
  let project: Workspace;
  const preview = () => project.run("preview", "--stack", project.stack);

  /** The project is made, with a stack. */
  async function given(): Promise<void> {
    if (existsSync(join(folder, "Pulumi.yaml"))) return;
    const flags = ["--name", "other-site", "--generate-only", "--yes", "--offline", "--force"];
    await project.succeed("new", template.folder, ...flags);
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await project.succeed("stack", "init", project.stack);
  }

  before(async () => {
    template = await Checkout.copy();
    for (const name of ["Pulumi.dev.yaml", "Pulumi.centos7.yaml"]) {
      await copyFile(join(root, name), template.path(name));
    }
    folder = await mkdtemp(join(tmpdir(), "uwsgi-nginx-second-"));
    const env = {
      PULUMI_BACKEND_URL: fileBackendUrl(folder),
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
    };
    project = new Workspace({ projectDir: folder, stack: "dev", env });
  });
  after(async () => {
    await project.remove();
    await rm(folder, { recursive: true, force: true });
    await template.remove();
  });

  it("is created by `pulumi new`, with a stack `dev` for a server on AWS", async () => {
    await given();
    assert.match(await readFile(join(folder, "Pulumi.yaml"), "utf8"), /^name: other-site$/m);
    const { code, output } = await preview();
    assert.notEqual(code, 0);
    assert.match(output, /A setting is wrong\. Nothing was changed\.\s+server\.sshCidrs: required, but not set\./);
  });

  it("reports settings with the name of another project, instead of creating another server", async () => {
    await given();
    await project.setConfig("server.sshCidrs[0]", "198.51.100.7/32", { path: true });
    const file = join(folder, "Pulumi.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("other-site", "third-site"));
    project = new Workspace({ projectDir: folder, stack: "third", env: project.env });
    await copyFile(join(folder, "Pulumi.dev.yaml"), join(folder, "Pulumi.third.yaml"));
    await project.succeed("stack", "init", project.stack);
    const { code, output } = await preview();
    assert.notEqual(code, 0);
    assert.match(
      output,
      /other-site:server: the project's name is third-site \(Pulumi\.yaml\)\.\s+Fix: rename it to third-site:server\./,
    );
  });
});
