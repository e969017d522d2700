// What `npm run render` writes is what a server needs: it can be brought up from that folder alone.
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render } from "../../toolchain/render";
import { assertPage } from "../support/assertions";
import { onEachPlatform, preparedSettings } from "../support/platforms";
import { root } from "../support/root";
import { TestServer } from "../support/testServer";

onEachPlatform("a rendered folder", function (test) {
  this.timeout(300_000);

  let folder: string | undefined;
  let server: TestServer;
  let settings: Record<string, unknown>;
  before(async function () {
    settings = await preparedSettings(test, this);
    folder = await mkdtemp(join(tmpdir(), "rendered-"));
    server = await TestServer.startWith(test, settings, []);
  });
  after(async () => {
    await TestServer.stopAll();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("brings up a server by hand, with exactly the files that it contains, and can be used again", async () => {
    assert.ok(folder, "the folder is made before");
    const config = { "example:server": settings, "example:apps": { hello: { python: test.python } } };
    await writeFile(join(folder, "Pulumi.yaml"), "name: example\n");
    await writeFile(join(folder, "Pulumi.test.yaml"), JSON.stringify({ config }));
    await symlink(join(root, "assets"), join(folder, "assets"));
    render(folder, "test", join(folder, "rendered"));
    await server.copyTo(join(folder, "rendered"), "/root/rendered");
    for (const time of ["first", "second"]) {
      await server.sh("bash /root/rendered/set-up.sh");
      await assertPage(`http://127.0.0.1:${server.port(80)}/`, "<h1 style='color:blue'>Hello There!</h1>");
      const differing =
        "cd /root/rendered/files; find . -type f | while read -r it; do cmp --silent $it /$it || echo $it; done";
      assert.equal(await server.sh(differing), "", `after the ${time} run`);
    }
    assert.equal(await server.sh("systemctl is-enabled uwsgi uwsgi@hello nginx"), "enabled\nenabled\nenabled");
  });
});
