// Makes the images that the system tests share: `npm test` runs it before them.
import { canRun, devSystem, officialImageOf } from "./cloud";
import { el7Image } from "./el7";

async function main(): Promise<void> {
  await el7Image();
  if (canRun) for (const system of new Set(["debian12" as const, await devSystem()])) await officialImageOf(system);
}

void main();
