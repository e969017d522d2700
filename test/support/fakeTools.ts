// Parts of the scripts, run here with doubles of the tools that they call.
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
  /** What the tools were called with, one call a line. */
  calls: string[];
}

/** A folder of tools that note down how they are called; `remove` takes it away. */
export class FakeTools {
  readonly folder = mkdtempSync(join(tmpdir(), "fake-tools-"));
  private readonly log = join(this.folder, "calls");

  /** A tool is a bash script; without one it succeeds and says nothing. `$FAKE` is a folder for what it must remember. */
  add(name: string, script = ""): this {
    const file = join(this.folder, name);
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\n' "${name} $*" >> '${this.log}'\n${script}\n`);
    chmodSync(file, 0o755);
    return this;
  }

  /** Runs commands after parts of the scripts, in which the tools come first on PATH. */
  run(parts: readonly string[], commands: string, env: Readonly<Record<string, string>> = {}): Outcome {
    const texts = ["lib.sh", ...parts].map((part) => asset(`scripts/${part}`));
    const path = "PATH=/usr/local/sbin:";
    assert.ok(texts[0]?.includes(path), "lib.sh sets PATH");
    const script = texts.join("\n").replace(path, `PATH='${this.folder}':/usr/local/sbin:`);
    const { status, stdout, stderr } = spawnSync("bash", ["-s"], {
      input: `${script}\n${commands}\n`,
      env: { ...process.env, FAKE: this.folder, ...env },
      encoding: "utf8",
    });
    return { code: status, stdout, stderr, calls: this.calls() };
  }

  /** The calls since it was last asked. */
  calls(): string[] {
    const calls = existsSync(this.log) ? readFileSync(this.log, "utf8").trim().split(/\s*\n/) : [];
    rmSync(this.log, { force: true });
    return calls;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
