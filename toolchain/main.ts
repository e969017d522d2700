import { commandNames, parseArguments, type Request, usage } from "./commands/arguments";
import { check } from "./commands/check";
import { clean } from "./commands/clean";
import { comment } from "./commands/comment";
import { destroy } from "./commands/destroy";
import { env } from "./commands/env";
import { exec } from "./commands/exec";
import { preview } from "./commands/preview";
import { start } from "./commands/start";
import { proof, test } from "./commands/test";
import { up } from "./commands/up";
import { reportUserErrors } from "./common/errors";

type Command = (root: string, request: Request) => Promise<void> | void;

const commands: Record<(typeof commandNames)[number] | "help", Command> = {
  help: () => void process.stdout.write(usage),
  start: (root, { stack }) => start(root, stack),
  preview: (root, { stack, args }) => preview(root, stack, args),
  comment: (root, { stack, args, post }) => comment(root, stack, args, post),
  up: (root, { stack, args }) => up(root, stack, args),
  destroy: (root, { stack, args, serverGone }) => destroy(root, stack, args, serverGone),
  clean,
  env: (root, { stack }) => env(root, stack),
  exec: (root, { stack, app, args }) => exec(root, stack, app, args),
  check,
  test: (root, { args }) => test(root, args),
  proof: (root, { args }) => proof(root, args),
};

/** Runs one command of the command line in the checkout `root`. bootstrap.mjs calls it. */
export async function main(root: string, argv: readonly string[]): Promise<void> {
  await reportUserErrors(async () => {
    const request = parseArguments(argv);
    await commands[request.command](root, request);
  });
}
