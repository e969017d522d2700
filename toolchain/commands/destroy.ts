import { say } from "../common/steps";
import { removeContainers } from "../containers/stackContainers";
import { confirmation, openStack } from "./prepare";

export async function destroy(
  root: string,
  name: string,
  flags: readonly string[],
  serverGone: boolean,
): Promise<void> {
  const stack = await openStack(root, name);
  if (!(await stack.exists())) {
    stack.removeTraces();
    await removeContainers(root, stack.shortName);
    say(`Stack ${name} does not exist. There is nothing to destroy.`);
    return;
  }
  await stack.forgetPendingCommands();
  if (serverGone) await stack.forgetServer();
  await stack.operate("destroy", [...confirmation, ...flags]);
  const left = await stack.resourceCount();
  if (left > 0) {
    say(`Stack ${name} is kept, because it still has ${left} resources.`);
    return;
  }
  await stack.remove();
  await removeContainers(root, stack.shortName);
  say(`Stack ${name} is destroyed. Caches for the next start are kept; 'npm run clean' removes them.`);
}
