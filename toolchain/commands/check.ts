import { prepareTestPrograms } from "../checks/programs";
import { runTests } from "../checks/runTests";
import { prepareTools } from "./prepare";

export async function check(root: string): Promise<void> {
  await prepareTools(root, "local");
  await prepareTestPrograms(root);
  await runTests(root, ["unit"], []);
}
