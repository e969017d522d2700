import type { HealthCheck } from "../../rendering/healthCheck";
import type { Stack } from "../engine/stack";
import { fetchPage, howToReach } from "./page";
import { deploy, openStack } from "./prepare";

export async function start(root: string, name: string): Promise<void> {
  const stack = await openStack(root, name);
  await deploy(stack, ["--yes", "--skip-preview", "--suppress-outputs"]);
  await stack.select();
  const outputs = await stack.outputs();
  const [url, address] = [String(outputs.url), String(outputs.address)];
  const check = healthCheckOf(outputs.apps, url);
  const text = await fetchPage(url, address, check);
  const hint = await howToReach(url, address);
  const reach = hint === undefined ? "" : `  reach it    ${hint}\n`;
  process.stdout.write(
    `\n  ${new URL(check?.path ?? "/", url).href} says: ${text}\n\n${reach}${nextSteps(stack, String(outputs.sshCommand))}`,
  );
}

/** The health check of the app at an address. */
function healthCheckOf(apps: unknown, url: string): HealthCheck | undefined {
  const all = Object.values((apps ?? {}) as Record<string, { url?: string; healthCheck?: HealthCheck }>);
  return all.find((app) => app.url === url)?.healthCheck;
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
