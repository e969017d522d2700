import { parseArgs } from "node:util";
import { UserError } from "../common/errors";

export const commandNames = [
  "start",
  "preview",
  "comment",
  "up",
  "destroy",
  "clean",
  "env",
  "exec",
  "check",
  "test",
  "proof",
] as const;
export type CommandName = (typeof commandNames)[number];

export interface Request {
  readonly command: CommandName | "help";
  readonly stack: string;
  /** Flags for pulumi or mocha, or the words of a command, as they are. */
  readonly args: readonly string[];
  /** The app of `exec`. */
  readonly app: string;
  /** Flag of `comment`. */
  readonly post: boolean;
  /** Flag of `destroy`. */
  readonly serverGone: boolean;
}

export const usage = `Usage: npm start | npm run preview|comment|up|destroy [-- STACK] [PULUMI FLAGS]
       npm run exec -- STACK APP -- COMMAND...
       npm run clean|check | npm run env [-- STACK] | npm test | npm run proof [-- MOCHA FLAGS]

  start    [stack]           installs what is missing, deploys without asking, and shows the page
  preview  [stack] [flags]   shows what 'up' would change, line by line
  comment  [stack] [flags]   prints the preview as a comment for a pull request; --post: posts it (in GitHub Actions)
  up       [stack] [flags]   deploys; asks for confirmation on a terminal, unless --yes is given
  destroy  [stack] [flags]   removes the server and everything created for it; asks as 'up' does;
                             --server-gone: does not connect to the server, because it no longer exists
  clean                      removes caches: engine, plugins, images
  env      [stack]           prints the environment for plain pulumi commands: eval "$(npm run --silent env)"
  exec     stack app -- ...  runs a command in the live release of an app, as the app's user and with its variables
  check                      runs the checks and tests that need no server
  test     [mocha flags]     runs all checks and tests; with flags or files, only the tests that they select
  proof    [mocha flags]     the same with tests that take long

The default stack is 'local'. Flags come after the stack and are passed on to pulumi:
  npm run up -- local --yes
  npm test -- test/unit/toolchain/arguments.test.ts
  npm test -- --grep 'second up'

The words of a command are passed as they are. npm prints two lines of its own unless it is silent:
  npm run exec -- local hello -- python manage.py shell
  npm run --silent exec -- local hello -- bash -c 'tar -czf - "$APP_DATA"' > data.tar.gz
`;

const takesStack: readonly CommandName[] = ["start", "preview", "comment", "up", "destroy", "env"];
const takesFlags: readonly CommandName[] = ["preview", "comment", "up", "destroy"];

export function parseArguments(argv: readonly string[]): Request {
  const [word, ...rest] = argv;
  const none = { stack: "local", app: "", args: [], post: false, serverGone: false };
  if (word === undefined) throw misuse("No command was given.");
  if (word === "exec") return { ...none, command: word, ...execWords(rest) };
  if (["help", "-h"].includes(word) || argv.includes("--help")) return { ...none, command: "help" };
  const command = commandNames.find((name) => name === word);
  if (!command) throw misuse(`The command '${word}' does not exist.`);
  if (command === "test" || command === "proof") return { ...none, command, args: rest };

  const hasStack = rest[0] !== undefined && !rest[0].startsWith("-");
  const stack = hasStack ? (rest[0] ?? "") : none.stack;
  const { own, args } = splitFlags(hasStack ? rest.slice(1) : rest);
  const unexpected = [...args, ...own];
  if (!takesStack.includes(command) && rest.length > 0)
    throw misuse(`'${command}' takes no arguments, but '${rest[0]}' was given.`);
  requireStackName(stack);
  if (!takesFlags.includes(command) && unexpected.length > 0)
    throw misuse(`'${command}' takes no flags, but '${unexpected[0]}' was given.`);
  const [serverGone, post] = [own.includes("--server-gone"), own.includes("--post")];
  if (serverGone && command !== "destroy") throw misuse("--server-gone is a flag of 'destroy'.");
  if (post && command !== "comment") throw misuse("--post is a flag of 'comment'.");
  const stackFlag = args.find((arg) => /^(--stack|-s)(=|$)/.test(arg));
  if (stackFlag) throw misuse(`The stack is named without ${stackFlag}: npm run ${command} -- ${stack}.`);
  return { ...none, command, stack, args, post, serverGone };
}

/** STACK APP -- COMMAND… . npm removes a `--` that it finds first, so a command may come without. */
function execWords([stack = "", app = "", ...rest]: readonly string[]) {
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  if ([stack, app].some((it) => it === "" || it.startsWith("-")) || args.length === 0) {
    throw misuse("'exec' needs a stack, an app and a command: npm run exec -- STACK APP -- COMMAND.");
  }
  requireStackName(stack);
  return { stack, app, args };
}

function requireStackName(stack: string): void {
  if (isStackName(stack)) return;
  throw misuse(`'${stack}' is not a valid stack name. Use letters, digits, '-', '_' and '.'.`);
}

/** Divides flags into those of this command line and those of pulumi. */
function splitFlags(flags: readonly string[]): { own: string[]; args: string[] } {
  const options = { "server-gone": { type: "boolean" }, post: { type: "boolean" } } as const;
  const { tokens } = parseArgs({ args: [...flags], options, strict: false, tokens: true });
  const isOwn = (index: number) =>
    tokens.some((token) => token.kind === "option" && token.index === index && token.name in options);
  const own = flags.filter((_, index) => isOwn(index));
  return { own, args: flags.filter((flag) => !own.includes(flag)) };
}

function isStackName(name: string): boolean {
  const parts = name.split("/");
  return parts.length <= 3 && parts.every((part) => /^[\w.-]{1,100}$/.test(part) && !/^\.+$/.test(part));
}

function misuse(problem: string): UserError {
  return new UserError(`Invalid command line. ${problem} Nothing was changed.`, `correct the command.\n\n${usage}`, 2);
}
