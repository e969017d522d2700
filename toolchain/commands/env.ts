import { mkdirSync } from "node:fs";
import { paths } from "../common/paths";
import { shellLines } from "../engine/environment";
import { ensurePassphrase } from "../engine/passphrase";
import { prepareTools } from "./prepare";

export async function env(root: string, stack: string): Promise<void> {
  await prepareTools(root, stack);
  mkdirSync(paths(root).state, { recursive: true, mode: 0o700 });
  ensurePassphrase(root);
  process.stdout.write(`${shellLines(root)}\n`);
}
