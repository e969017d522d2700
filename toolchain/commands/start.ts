import type { Stack } from "../engine/stack";
import { fetchPage, howToReach } from "./page";
import { deploy, openStack } from "./prepare";

export async function start(root: string, name: string): Promise<void> {
  const stack = await openStack(root, name);
  await deploy(stack, ["--yes", "--skip-preview", "--suppress-outputs"]);
  await stack.select();
  const outputs = await stack.outputs();
  const [url, address] = [String(outputs.url), String(outputs.address)];
  const text = await fetchPage(url, address);
  const hint = await howToReach(url, address);
  const reach = hint === undefined ? "" : `  reach it    ${hint}\n`;
  process.stdout.write(`\n  ${url} says: ${text}\n\n${reach}${nextSteps(stack, String(outputs.sshCommand))}`);
}

function nextSteps({ name, shortName }: Stack, sshCommand: string): string {
  const argument = name === "local" ? "" : ` -- ${name}`;
  return [
    `  log in      ${sshCommand}`,
    `  change it   edit Pulumi.${shortName}.yaml or assets/, then: npm run preview${argument}; npm run up${argument}`,
    `  plain pulumi commands   eval "$(npm run --silent env)"; pulumi stack output`,
    `  remove it   npm run destroy${argument}`,
    "",
  ].join("\n");
}
