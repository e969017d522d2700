// Looks for secrets everywhere a deployment could leave them: in what the engine prints, in the arguments of processes, on your
// computer and on the server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Product } from "./product";

const run = promisify(execFile);

/** Flags with which the engine says the most. */
export const talkative = ["--diff", "--show-config", "--debug", "--verbose=3", "--logtostderr"];

export class SecretSearch {
  private readonly texts: { readonly what: string; readonly text: string }[] = [];
  private samples = 0;

  /** @param shell runs a script on the server as root */
  constructor(
    private readonly product: Product,
    private readonly shell = (script: string) => product.exec(script),
  ) {}

  /** Keeps a text to search it later, when a generated secret is known. */
  remember(what: string, text: string): void {
    this.texts.push({ what, text });
  }

  /** Keeps the arguments of all processes while something runs. Those of a server in a container are among this computer's. */
  async during<T>(work: Promise<T>): Promise<T> {
    const isOver = work.then(
      () => true,
      () => true,
    );
    const sample = async () => {
      const { stdout } = await run("ps", ["-e", "-o", "args"], { maxBuffer: 1e8 });
      this.remember("the arguments of processes", stdout);
      this.samples++;
      return false;
    };
    while (!(await Promise.race([sample(), isOver])));
    return work;
  }

  /** No text that was kept has one of these, nor has the state, nor a file on the server or of the project but those that may. */
  async assertHidden(markers: readonly string[], { files, onServer }: Allowed): Promise<void> {
    assert.ok(this.samples > 10, `only ${this.samples} samples of arguments were taken`);
    this.remember("the exported state", await this.product.exportText());
    this.remember("the journal", await this.shell("journalctl --no-pager --all"));
    for (const { what, text } of this.texts) {
      for (const marker of markers) assert.ok(!text.includes(marker), `${what} may not contain a secret`);
    }
    assert.deepEqual(this.filesWith(markers), files, "files on your computer with secrets");
    const found = (await this.onServer(markers)).map((line) => onServer.find((it) => it.test(line))?.source ?? line);
    assert.deepEqual(
      [...new Set(found)].sort(),
      onServer.map((it) => it.source).sort(),
      "mode, owner and path of files on the server with secrets",
    );
  }

  /** Files of the project's .local with one of these, archives unpacked, with their modes. The state has backups and a history. */
  private filesWith(markers: readonly string[]): string[] {
    const local = join(this.product.projectDir, ".local");
    const files = readdirSync(local, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
    assert.ok(
      files.some((it) => it.parentPath.includes(".pulumi/history")) && files.some((it) => it.name.endsWith(".tar.gz")),
      "the search should see the state's history and the archives",
    );
    return files
      .map((it) => join(it.parentPath, it.name))
      .filter((file) => {
        const content = readFileSync(file);
        const text = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
        return markers.some((marker) => text.includes(marker));
      })
      .map((file) => `${(statSync(file).mode & 0o777).toString(8)} ${relative(local, file)}`)
      .sort();
  }

  /** Lines of MODE OWNER PATH. Logs of nginx and the journal's files are among them. */
  private async onServer(markers: readonly string[]): Promise<string[]> {
    const patterns = markers.map((it) => `-e '${it}'`).join(" ");
    const found = await this.shell(
      `find / -xdev \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type f -print0 > /tmp/list
for folder in /run /tmp; do find "$folder" -xdev -type f -print0 >> /tmp/list; done
xargs -0 -r grep -l -a -F ${patterns} < /tmp/list 2> /dev/null | sort -u | while read -r file; do stat --format '%a %U %n' "$file"; done
rm /tmp/list`,
    );
    return found.split("\n").filter(Boolean);
  }
}

interface Allowed {
  /** Lines of MODE PATH, the path below .local. */
  readonly files: readonly string[];
  /** Patterns of lines of MODE OWNER PATH. */
  readonly onServer: readonly RegExp[];
}
