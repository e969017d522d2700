import { UserError } from "../common/errors";
import { checkTypes } from "../checks/types";
import { prepareContainers } from "../containers/prepare";
import { isGone, startContainers } from "../containers/stackContainers";
import { prepareEngine } from "../engine/install";
import { preparePlugins } from "../engine/plugins";
import { serverKind } from "../engine/serverKind";
import { Stack } from "../engine/stack";

const hasTerminal = process.stdin.isTTY && process.stdout.isTTY;
/** The engine asks for confirmation on a terminal, and cannot ask elsewhere. */
export const confirmation: readonly string[] = hasTerminal ? [] : ["--yes", "--non-interactive"];
export const interaction: readonly string[] = hasTerminal ? [] : ["--non-interactive"];

/** The engine and the plugins that a stack needs. Returns the engine. */
export async function prepareTools(root: string, stack: string): Promise<string> {
  const engine = await prepareEngine(root);
  await preparePlugins(root, engine, serverKind(root, stack).plugins);
  return engine;
}

export async function openStack(root: string, name: string): Promise<Stack> {
  const stack = new Stack(root, name, await prepareTools(root, name));
  await stack.prepare();
  return stack;
}

/** What a stack needs before a preview: a container engine for a container, and the stack itself. */
export async function prepareStack(stack: Stack): Promise<void> {
  if (serverKind(stack.root, stack.name).needsContainers) await prepareContainers(stack.root);
  await stack.createIfMissing();
}

export async function deploy(stack: Stack, flags: readonly string[]): Promise<void> {
  await checkTypes(stack.root);
  await prepareStack(stack);
  await stack.forgetPendingCommands();
  const containers = await startContainers(stack.root, stack.shortName);
  const id = stack.containerId();
  const isReplaced = flags.some((flag) => flag.startsWith("--replace"));
  if (id && !containers.includes(id) && !isReplaced && (await isGone(stack.root, id))) {
    throw new UserError(
      `The container of stack ${stack.name} has been removed. Nothing was changed.`,
      `create it again, with everything on it: npm run up -- ${stack.name} --replace '**command:local:Command::server'`,
    );
  }
  await stack.operate("up", flags);
}
