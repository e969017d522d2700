import { UserError } from "./errors.mjs";

export const commands = /** @type {const} */ ([
  "start",
  "preview",
  "comment",
  "up",
  "destroy",
  "clean",
  "env",
  "check",
  "test",
]);
/** Flag of `destroy`: the server does not exist any more. */
export const gone = "--gone";
/** @typedef {typeof commands[number]} Command */
/** @typedef {{ command: Command | "help", stack: string, args: string[] }} Request */

export const usage = `Usage: npm start | npm run preview|comment|up|destroy [-- STACK] [PULUMI'S FLAGS]
       npm run clean|check | npm run env [-- STACK] | npm test

  start    [stack]           from nothing to a running app: installs what is missing, deploys, asks the page
  preview  [stack] [flags]   shows what 'up' would change, line by line
  comment  [stack] [flags]   the preview as the comment of a pull request; --post: writes it there (for workflows)
  up       [stack] [flags]   deploys; asks first on a terminal (--yes: does not), and does not ask elsewhere
  destroy  [stack] [flags]   removes the stack's host and all that was made for it; asks as 'up' does;
                             --gone: the server does not exist any more, so it is not asked to remove anything
  clean                      removes what the others keep to be fast: engine, plugins, images
  env      [stack]           prints the environment for plain pulumi commands: eval "$(npm run --silent env)"
  check                      the checks and tests that need no server
  test     [mocha's flags]   all checks and tests; with flags or files, only the tests that those choose

The stack is 'local' when none is named. Flags come after the stack and go to pulumi as they are:
  npm run up -- local --yes
  npm test -- test/unit/toolchain/arguments.test.ts
  npm test -- --grep 'second up'
`;

/** @param {string} message */
const misuse = (message) => new UserError(`${message}\n\n${usage}`, undefined, 2);

/**
 * @param {string[]} argv
 * @returns {Request}
 */
export function parseArguments(argv) {
  const [command, ...rest] = argv;
  if (!command || command === "help" || rest.includes("--help") || command === "--help" || command === "-h") {
    if (!command) throw misuse("No command given.");
    return { command: "help", stack: "", args: [] };
  }
  const known = commands.find((name) => name === command);
  if (!known) throw misuse(`Unknown command '${command}'.`);
  if (known === "test") return { command: known, stack: "local", args: rest };
  const [stack, args] = rest[0] === undefined || rest[0].startsWith("-") ? ["local", rest] : [rest[0], rest.slice(1)];
  if ((known === "clean" || known === "check") && rest.length > 0) {
    throw misuse(`'${known}' takes no arguments, but got '${rest[0]}'.`);
  }
  if ((known === "start" || known === "env") && args.length > 0) {
    throw misuse(`'${known}' takes no flags, but got '${args[0]}'.`);
  }
  if (!isStackName(stack)) throw misuse(`'${stack}' cannot be a stack's name: letters, digits, '-', '_' and '.' only.`);
  if (known !== "destroy" && args.includes(gone)) throw misuse(`${gone} is a flag of 'destroy' only.`);
  const named = args.find((arg) => /^(--stack|-s)(=|$)/.test(arg));
  if (named) throw misuse(`The stack is named without ${named}: npm run ${known} -- ${stack}`);
  return { command: known, stack, args };
}

/** @param {string} name */
function isStackName(name) {
  const parts = name.split("/");
  return parts.length <= 3 && parts.every((part) => /^[\w.-]{1,100}$/.test(part) && !/^\.+$/.test(part));
}
