// Runs parts of the scripts on your computer, with fakes of the tools that they call.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asset } from "../../rendering/assets";

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The calls of the tools with their arguments. */
  calls: string[];
}

/** A folder of fake tools that record their calls. Call `remove` at the end. */
export class FakeTools {
  readonly folder = mkdtempSync(join(tmpdir(), "fake-tools-"));
  private readonly log = join(this.folder, "calls");

  /** Adds a tool with a bash script. By default it only succeeds. `$FAKE` is a folder for its files. */
  add(name: string, script = ""): this {
    const file = join(this.folder, name);
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\n' "${name} $*" >> '${this.log}'\n${script}\n`);
    chmodSync(file, 0o755);
    return this;
  }

  /** Runs commands with the functions of the parts, which are scripts of the toolkit or have a path below assets, and with the fake tools first on PATH. */
  run(parts: readonly string[], commands: string, env: Readonly<Record<string, string>> = {}): Outcome {
    const texts = ["lib.sh", ...parts].map((part) => asset(part.includes("/") ? part : `toolkit/${part}`));
    const path = "PATH=/usr/local/sbin:";
    assert.ok(texts[0]?.includes(path), "lib.sh should set PATH: adapt the line above if it does that in another way.");
    const script = texts.join("\n").replace(path, `PATH='${this.folder}':/usr/local/sbin:`);
    const { status, stdout, stderr } = spawnSync("bash", ["-s"], {
      input: `${script}\n${commands}\n`,
      env: { ...process.env, FAKE: this.folder, ...env },
      encoding: "utf8",
    });
    return { code: status, stdout, stderr, calls: this.calls() };
  }

  /** The calls since the last call of this method. */
  calls(): string[] {
    const calls = existsSync(this.log) ? readFileSync(this.log, "utf8").trim().split(/\s*\n/) : [];
    rmSync(this.log, { force: true });
    return calls;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
