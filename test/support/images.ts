// Makes the images that the system tests share: `npm test` runs it before them.
import { canRun, instanceContainers } from "./cloud";
import { el7Image } from "./el7";

async function main(): Promise<void> {
  await el7Image();
  if (canRun) await instanceContainers();
}

void main();
