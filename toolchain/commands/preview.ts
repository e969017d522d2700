import { interaction, openStack, prepareStack } from "./prepare";

export async function preview(root: string, name: string, flags: readonly string[]): Promise<void> {
  const stack = await openStack(root, name);
  await prepareStack(stack);
  await stack.operate("preview", ["--diff", ...interaction, ...flags]);
}
