// Makes the images that the system tests share: `npm test` runs it before them.
import { canRun, devSystem, officialImageOf } from "./cloud";
import { prepared, testPlatforms } from "./platforms";

async function main(): Promise<void> {
  for (const test of testPlatforms) {
    const server = await test.server();
    if (!("reason" in server)) await prepared(test, server);
  }
  if (!canRun) return;
  for (const system of new Set(["debian12" as const, await devSystem()])) await officialImageOf(system);
  await officialImageOf("debian12", true);
}

void main();
