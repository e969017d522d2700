// How remote.CopyToRemote of @pulumi/command 1.2.1 behaves, with the genuine plugin and with the offline plugin.
import assert from "node:assert/strict";
import { chmod, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { CommandProject } from "./commandProject";

describe("remote.CopyToRemote", function () {
  this.timeout("120s");
  this.slow("15s");

  const project = new CommandProject();
  const sh = (script: string) => project.server.sh(script);
  const local = (path: string) => join(project.workspace.projectDir, path);

  const file = (path: string) => `new pulumi.asset.FileAsset("${path}")`;
  const text = (content: string) => `new pulumi.asset.StringAsset(${JSON.stringify(content)})`;
  const folder = (path: string) => `new pulumi.asset.FileArchive("${path}")`;
  /** @param more inputs, such as `triggers: [1]` */
  const copy = (name: string, source: string, remotePath: string, more = "connection") =>
    `new remote.CopyToRemote("${name}", { connection, source: ${source}, remotePath: "${remotePath}", ${more} });\n`;

  /** All below a folder of the server: a folder's name ends with a slash, a file's is followed by its content. */
  const contents = async (path: string) =>
    (await sh(`cd ${path} && find . -mindepth 1 \\( -type d -printf '%P/\\n' -o -printf '%P ' -exec cat {} \\; \\)`))
      .split("\n")
      .sort();

  it("copies a file again when its content or remotePath changes, and at no other time", async () => {
    const changed = (remotePath: string, more?: string) => project.up(copy("f", file("payload"), remotePath, more));
    await project.workspace.writeFile("payload", "one\n");
    await changed("/test/copied");
    assert.equal(await sh("cat /test/copied"), "one");

    await sh("echo edited > /test/copied");
    const unchanged = await changed("/test/copied");
    assert.match(unchanged.output, /2 unchanged/);
    const reconnected = await changed("/test/copied", "connection: { ...connection, dialErrorLimit: 4 }");
    assert.match(reconnected.output, /1 updated/);
    assert.equal(await sh("cat /test/copied"), "edited");

    await project.workspace.writeFile("payload", "two\n");
    const updated = await changed("/test/copied");
    assert.match(updated.output, /1 updated/);
    assert.equal(await sh("cat /test/copied"), "two");

    await changed("/test/moved");
    assert.deepEqual(await contents("/test"), ["copied two", "moved two"]);
  });

  it("is replaced and copies again when a trigger changes, and leaves its file on the server when it is deleted", async () => {
    await project.workspace.writeFile("payload", "one\n");
    await project.up(copy("f", file("payload"), "/test/copied", "triggers: ['server-1']"));
    await sh("rm /test/copied");
    const { output } = await project.up(copy("f", file("payload"), "/test/copied", "triggers: ['server-2']"));
    assert.match(output, /1 replaced/);
    assert.equal(await sh("cat /test/copied"), "one");

    await project.workspace.destroy();
    assert.equal(await sh("cat /test/copied"), "one");
  });

  it("creates the missing parent folders of remotePath, also for several copies at once", async () => {
    await project.workspace.writeFile("payload", "file\n");
    await mkdir(local("folder"));
    await project.workspace.writeFile("folder/one", "1\n");
    await project.up(
      copy("file", file("payload"), "/test/new/parent/file") +
        copy("text", text("text\n"), "/test/new/parent/text") +
        copy("folder", folder("folder"), "/test/new/parent/of-folder") +
        copy("content", folder("folder/"), "/test/new/parent/content") +
        copy("relative", text("relative to the home folder\n"), "../test/relative/text"),
    );

    assert.deepEqual(await contents("/test"), [
      "new/",
      "new/parent/",
      "new/parent/content/",
      "new/parent/content/one 1",
      "new/parent/file file",
      "new/parent/of-folder/",
      "new/parent/of-folder/folder/",
      "new/parent/of-folder/folder/one 1",
      "new/parent/text text",
      "relative/",
      "relative/text relative to the home folder",
    ]);
  });

  it("copies a file into an existing folder or over an existing file, which keeps its owner and mode", async () => {
    await project.workspace.writeFile("payload", "new\n");
    await chmod(local("payload"), 0o755);
    await sh("mkdir /test/folder; echo old content > /test/file; chown 1:1 /test/file; chmod 640 /test/file");
    await project.up(copy("into", file("payload"), "/test/folder") + copy("over", file("payload"), "/test/file"));

    assert.deepEqual(await contents("/test"), ["file new", "folder/", "folder/payload new"]);
    assert.equal(await sh("stat -c '%u %a' /test/file /test/folder/payload"), "1 640\n0 644");
  });

  it("copies a folder, or its content if its path ends with a slash, and leaves other files alone", async () => {
    await mkdir(local("source/below"), { recursive: true });
    await project.workspace.writeFile("source/one", "1\n");
    await project.workspace.writeFile("source/below/two", "2\n");
    await sh(
      "mkdir -p /test/whole/source /test/content; echo other | tee /test/whole/source/other > /test/content/other",
    );
    const body =
      copy("whole", folder("source"), "/test/whole") +
      copy("content", folder("source/"), "/test/content") +
      copy("new", folder("source"), "/test/new");
    await project.up(body);
    const copied = (prefix: string) => [`${prefix}below/`, `${prefix}below/two 2`];
    assert.deepEqual(await contents("/test/whole"), [
      "source/",
      ...copied("source/"),
      "source/one 1",
      "source/other other",
    ]);
    assert.deepEqual(await contents("/test/content"), [...copied(""), "one 1", "other other"]);
    assert.deepEqual(await contents("/test/new"), ["source/", ...copied("source/"), "source/one 1"]);

    await rm(local("source/below/two"));
    await project.workspace.writeFile("source/below/three", "3\n");
    await project.up(body);
    assert.deepEqual(await contents("/test/new/source/below"), ["three 3", "two 2"]);
  });

  it("copies a text, a file of several megabytes and an archive file byte for byte", async () => {
    await project.workspace.writeFile("big.bin", "0123456789abcdef".repeat(200_000));
    // The smallest archive there is: two blocks of zeros.
    await project.workspace.writeFile("archive.tar", "\0".repeat(1024));
    await project.up(
      copy("text", text("some text\n"), "/test/text") +
        copy("big", file("big.bin"), "/test") +
        copy("archive", folder("archive.tar"), "/test"),
    );

    assert.equal(await sh("cat /test/text"), "some text");
    assert.equal(await sh("cd /test; stat -c '%n %s' *"), "archive.tar 1024\nbig.bin 3200000\ntext 10");
    assert.equal(await sh("tail -c 16 /test/big.bin"), "0123456789abcdef");
  });

  it("names the path and the server's reason when the server refuses a copy", async () => {
    await project.workspace.writeFile("payload", "one\n");
    await mkdir(local("source"));
    await project.workspace.writeFile("source/one", "1\n");
    await mkdir(local("linked"));
    await symlink(local("source"), local("linked/source"));
    await sh("touch /test/file");
    const { output } = await project.failUp(
      copy("text-over-folder", text("text"), "/test") +
        copy("content-over-file", folder("source/"), "/test/file") +
        copy("folder-into-file", folder("source"), "/test/file") +
        copy("file-below-file", file("payload"), "/test/file/below") +
        copy("slash", file("payload"), "/test/slash/") +
        copy("link", folder("linked/"), "/test/linked"),
    );

    const expected = [
      "remote path /test is a directory; when using a text asset, remotePath must be a file path",
      "remote path /test/file exists but is not a directory",
      "failed to create remote directory /test/file/source: file does not exist",
      "failed to create parent directories for /test/file/below: mkdir /test/file: not a directory",
      'failed to create remote file /test/slash/: sftp: "Failure" (SSH_FX_FAILURE)',
      "failed to copy file linked/source to remote path /test/linked/source: read linked/source: is a directory",
    ];
    const missing = expected.filter((reason) => !output.includes(reason));
    assert.deepEqual(missing, [], `these reasons should be in the output:\n${output}`);
  });

  it("takes no source that must be downloaded or put together", async () => {
    await project.workspace.writeFile("payload", "one\n");
    const downloaded = `new pulumi.asset.RemoteAsset("file://${local("payload")}")`;
    const ofAsset = await project.failUp(copy("downloaded", downloaded, "/test/asset"));
    const assembled = `new pulumi.asset.AssetArchive({ one: ${text("1")} })`;
    const ofArchive = await project.failUp(copy("assembled", assembled, "/test/archive"));

    assert.match(ofAsset.output, /asset must be a path-based file asset or a text asset/);
    assert.match(ofArchive.output, /archive must be a path to a file or directory/);
    assert.equal(await sh("ls /test"), "");
  });

  it("fails in a preview if its source is not known yet", async () => {
    await project.write(`
      const made = new remote.Command("c", { connection, create: "echo text" });
      ${copy("f", "made.stdout.apply((text) => new pulumi.asset.StringAsset(text))", "/test/copied")}
    `);
    const { code, output } = await project.workspace.run("preview", "--stack", project.workspace.stack);

    assert.notEqual(code, 0, `the preview should fail:\n${output}`);
    assert.match(output, /either asset or archive must be set/);
  });
});
