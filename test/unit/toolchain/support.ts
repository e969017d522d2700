import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const made: string[] = [];

/** A project's folder with the least the toolchain reads, removed after the tests. */
export function projectFolder(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "toolchain test ")));
  made.push(root);
  const pulumi = { "@pulumi/pulumi": "3.248.0", "@pulumi/aws": "7.48.0" };
  const dependencies = { ...pulumi, "@pulumi/command": "1.2.1", "@pulumi/random": "4.21.1" };
  put(join(root, "package.json"), JSON.stringify({ dependencies }));
  put(join(root, "Pulumi.yaml"), "name: example\nruntime: nodejs\n");
  put(join(root, ".local", "offline"), "");
  return root;
}

export function put(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A shell script that can be run. */
export function program(file: string, body = ""): string {
  put(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

export function age(file: string, hours: number): void {
  const time = Date.now() / 1000 - hours * 3600;
  utimesSync(file, time, time);
}

export function removeProjectFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
