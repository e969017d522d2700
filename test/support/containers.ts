// The container engine that `npm start` has found, for containers that tests make themselves.
import { execFile, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./root";

const run = promisify(execFile);

export interface Containers {
  /** The engine with its global options. */
  readonly command: readonly [string, ...string[]];
  /** Options of a container that boots systemd. */
  readonly runOptions: readonly string[];
  /** The toolchain's own image of a server. */
  readonly image: string;
}

export async function readContainers(): Promise<Containers> {
  const file = join(root, ".local/containers.json");
  const text = await readFile(file, "utf8").catch(() => {
    throw new Error(`${file} is missing: \`npm start\` writes it`);
  });
  return JSON.parse(text) as Containers;
}

/** A name for a container, which is removed when this process ends: a run that is broken off must not leave it behind. */
export function containerName({ command: [engine, ...globals] }: Pick<Containers, "command">): string {
  const name = `pulumi-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  process.once("exit", () => {
    spawnSync(engine, [...globals, "rm", "--force", "--time", "0", name], { stdio: "ignore" });
  });
  return name;
}

/** Removes the containers of stacks in a project folder, at once: also when this process ends. */
export function removeContainersOf(folder: string): void {
  const text = readFileSync(join(root, ".local/containers.json"), "utf8");
  const [engine, ...globals] = (JSON.parse(text) as Containers).command;
  const call = (...args: string[]) => spawnSync(engine, [...globals, ...args], { encoding: "utf8" }).stdout;
  const ids = call("ps", "--all", "--quiet", "--filter", `label=uwsgi-nginx.folder=${folder}`);
  if (ids.trim() !== "") call("rm", "--force", "--time", "0", "--volumes", ...ids.trim().split("\n"));
}

/** Runs a command with that on its stdin. */
export function feed([command = "", ...args]: readonly string[], stdin: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(" ")} failed and printed\n${errors}`));
    });
    child.stdin.end(stdin);
  });
}

/** Copies what tells why a server did not do what it should: its journal, its logs, and what was rendered for it. */
export async function keepServer(id: string, folder: string): Promise<void> {
  const [engine, ...globals] = (await readContainers()).command;
  const call = async (...args: string[]) =>
    (await run(engine, [...globals, ...args], { encoding: "buffer", maxBuffer: 1e9 })).stdout;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "container.log"), await call("logs", id));
  await writeFile(join(folder, "container.json"), await call("inspect", id));
  const inside = async (script: string) => call("exec", id, "sh", "-c", script);
  const texts = {
    "journal.log": "journalctl --no-pager",
    "units.txt": "systemctl list-units --all --no-pager",
    "processes.txt": "ps -ef",
  };
  for (const [file, script] of Object.entries(texts))
    await writeFile(join(folder, file), await inside(`${script} 2>&1`));
  const paths = "etc/nginx etc/systemd/system etc/uwsgi-nginx opt/apps var/log var/lib/uwsgi-nginx";
  const without = ["venvs", "journal", "__pycache__"].map((name) => `--exclude=${name}`).join(" ");
  const archive = join(folder, "files.tar");
  await writeFile(archive, await inside(`cd /; tar --create ${without} $(ls -d ${paths} 2> /dev/null)`));
  await run("tar", ["--extract", "--no-same-owner", "--file", archive, "--directory", folder]);
}
