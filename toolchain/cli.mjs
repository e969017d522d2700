import { gone, parseArguments, usage } from "./arguments.mjs";
import { prepareTestPrograms, runTests } from "./checks.mjs";
import { clean } from "./clean.mjs";
import { marker, renderComment } from "./comment.mjs";
import { prepareEngine } from "./engine.mjs";
import { shellLines } from "./environment.mjs";
import { UserError } from "./errors.mjs";
import { hostKind } from "./hostKind.mjs";
import { isGone, prepareContainers, removeContainers, startContainers } from "./containers.mjs";
import { makeHostAgain } from "./hints.mjs";
import { preparePackages } from "./packages.mjs";
import { askPage, howToReach } from "./page.mjs";
import { ensurePassphrase } from "./passphrase.mjs";
import { checkout, places } from "./paths.mjs";
import { preparePlugins } from "./plugins.mjs";
import { postComment, pullRequestOf, runUrl } from "./pullRequest.mjs";
import { Stack } from "./stack.mjs";
import { say, step } from "./steps.mjs";
import { checkTypes } from "./typecheck.mjs";
import { requireNode } from "./versions.mjs";

const root = checkout;
const { cache } = places(root);
const isInteractive = process.stdin.isTTY && process.stdout.isTTY;
const consent = isInteractive ? [] : ["--yes", "--non-interactive"];

/** @type {Record<import("./arguments.mjs").Command, (stackName: string, args: string[]) => Promise<void>>} */
const commands = {
  async start(stackName) {
    const stack = await openStack(stackName);
    await deploy(stack, ["--yes", "--skip-preview", "--suppress-outputs"]);
    await stack.select();
    const { url, address, sshCommand } = await stack.outputs();
    const text = await askPage(String(url), String(address));
    const hint = await howToReach(String(url), String(address));
    const reach = hint === undefined ? "" : `  reach it    ${hint}\n`;
    process.stdout.write(`\n  ${url} says: ${text}\n\n${reach}${whatNext(stack, sshCommand)}`);
  },

  async preview(stackName, args) {
    const stack = await openStack(stackName);
    await prepareMachine(stackName);
    await stack.ensure();
    await stack.operate("preview", ["--diff", ...consent.filter((flag) => flag !== "--yes"), ...args]);
  },

  async comment(stackName, args) {
    const post = args.includes("--post");
    const pullRequest = post ? pullRequestOf(process.env) : undefined;
    const stack = await openStack(stackName);
    await prepareMachine(stackName);
    await stack.ensure();
    const flags = args.filter((arg) => arg !== "--post");
    const { code, stdout, stderr } = await stack.preview(flags);
    const text = renderComment({ stack: stackName, failed: code !== 0, stdout, stderr, runUrl: runUrl(process.env) });
    process.stdout.write(pullRequest ? `${stdout}\n` : text);
    if (pullRequest) await postComment(pullRequest, marker(stackName), text);
    if (code !== 0) throw new UserError("The preview failed; nothing was touched.", stderr.trim(), code);
  },

  async up(stackName, args) {
    await deploy(await openStack(stackName), [...consent, ...args]);
  },

  async destroy(stackName, args) {
    const stack = await openStack(stackName);
    if (!(await stack.exists())) {
      stack.removeTraces();
      await removeContainers(root, stack.shortName);
      say(`There is no stack ${stackName}: nothing to destroy.`);
      return;
    }
    await stack.forgetPendingCommands();
    if (args.includes(gone)) await stack.forgetServer();
    await stack.operate("destroy", [...consent, ...args.filter((arg) => arg !== gone)]);
    const left = await stack.resourceCount();
    if (left > 0) {
      say(`Stack ${stackName} stays: it still has ${left} resources.`);
      return;
    }
    await stack.remove();
    await removeContainers(root, stack.shortName);
    say(`Stack ${stackName} is gone. What makes the next start fast stays: 'npm run clean' removes that too.`);
  },

  async clean() {
    await clean(root);
  },

  async env(stackName) {
    await prepareTools(stackName);
    ensurePassphrase(root);
    process.stdout.write(`${shellLines(root)}\n`);
  },

  async check(stackName) {
    await prepareTools(stackName);
    await prepareTestPrograms(root);
    await runTests(root, ["unit"], []);
  },

  async test(stackName, args) {
    await prepareTools(stackName);
    await prepareContainers({ root, cache, step });
    await prepareTestPrograms(root);
    await runTests(root, ["unit", "system"], args);
  },
};

/**
 * @param {string} stackName
 * @returns {Promise<string>} the engine
 */
async function prepareTools(stackName) {
  await preparePackages(root);
  const engine = await prepareEngine(root);
  await preparePlugins(root, engine, await hostKind(root, stackName));
  return engine;
}

/**
 * What the stack's server needs on this machine.
 * @param {string} stackName
 */
async function prepareMachine(stackName) {
  if ((await hostKind(root, stackName)) === "container") await prepareContainers({ root, cache, step });
}

/** @param {string} name */
async function openStack(name) {
  const stack = new Stack(root, name, await prepareTools(name));
  await stack.prepare();
  return stack;
}

/**
 * @param {Stack} stack
 * @param {string[]} args
 */
async function deploy(stack, args) {
  await checkTypes(root);
  await prepareMachine(stack.name);
  await stack.ensure();
  await stack.forgetPendingCommands();
  await startContainers(root, stack.shortName);
  const container = stack.container();
  if (container && !args.some((arg) => arg.startsWith("--replace")) && (await isGone(root, container))) {
    throw new UserError(
      `The container of stack ${stack.name} is gone: somebody has removed it. Nothing was touched.`,
      `This makes it, and all that is on it, again: ${makeHostAgain(stack.name)}`,
    );
  }
  await stack.operate("up", args);
}

/**
 * @param {Stack} stack
 * @param {unknown} sshCommand
 */
function whatNext({ name, shortName }, sshCommand) {
  const argument = name === "local" ? "" : ` -- ${name}`;
  return [
    `  log in      ${sshCommand}`,
    `  change it   edit Pulumi.${shortName}.yaml or assets/, then: npm run preview${argument}; npm run up${argument}`,
    `  plain pulumi commands   eval "$(npm run --silent env)"; pulumi stack output`,
    `  remove it   npm run destroy${argument}`,
    "",
  ].join("\n");
}

try {
  const { command, stack, args } = parseArguments(process.argv.slice(2));
  requireNode(process.versions.node, command);
  if (process.platform === "win32") {
    throw new UserError("This project runs on Linux and macOS.", "On Windows, use it inside WSL (wsl --install).");
  }
  if (command === "help") process.stdout.write(usage);
  else await commands[command](stack, args);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = error.exitCode;
}
