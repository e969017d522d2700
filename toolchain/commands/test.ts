import { prepareTestPrograms } from "../checks/programs";
import { proofVariable } from "../checks/mochaRun";
import { runTests } from "../checks/runTests";
import { prepareContainers } from "../containers/prepare";
import { prepareTools } from "./prepare";

export async function test(root: string, args: readonly string[]): Promise<void> {
  await prepareTools(root, "local");
  await prepareContainers(root);
  await prepareTestPrograms(root);
  await runTests(root, ["unit", "system"], args);
}

/** The same with the tests that take long. */
export async function proof(root: string, args: readonly string[]): Promise<void> {
  process.env[proofVariable] = "1";
  await test(root, args);
}
