import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode, indented, UserError } from "../common/errors";
import { paths } from "../common/paths";
import { run } from "../common/run";

/** How containers run on this computer. The program reads it (servers/container/server.ts). */
export interface Containers {
  /** The container engine with its global options. */
  readonly command: readonly string[];
  /** What `create` needs so that systemd boots. */
  readonly runOptions: readonly string[];
  /** The local image of a server. */
  readonly image: string;
}

export const engines = ["podman", "docker"];

export async function readContainers(root: string): Promise<Containers | undefined> {
  const text = await readFile(paths(root).containers, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Containers);
}

export async function writeContainers(root: string, containers: Containers): Promise<void> {
  const file = paths(root).containers;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(containers, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** What the container engine prints. */
export async function engineOutput(engine: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(engine, args).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new UserError(
      `The container engine ${engine}, which runs this checkout's containers, is not on PATH.`,
      `install ${engine} again.`,
    );
  });
  if (code === 0) return stdout.trim();
  throw new UserError(
    `The command '${engine} ${args.join(" ")}' failed (exit code ${code}).\n${indented(stderr)}`,
    `correct what ${engine} reports and run the same command again.`,
  );
}

export async function engineLines(engine: string, args: readonly string[]): Promise<string[]> {
  return (await engineOutput(engine, args)).split("\n").filter(Boolean);
}
