import { confirmation, deploy, openStack } from "./prepare";

export async function up(root: string, name: string, flags: readonly string[]): Promise<void> {
  await deploy(await openStack(root, name), [...confirmation, ...flags]);
}
