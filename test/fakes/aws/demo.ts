// `npm run demo:dev`: a deployment on the fake AWS: up, a change, the comment of its pull request, destroy.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { renderComment } from "../../../toolchain/github/comment";
import { prepareContainers } from "../../../toolchain/containers/prepare";
import { fetchPage } from "../../../toolchain/commands/page";
import { step } from "../../../toolchain/common/steps";
import { canRun, CloudStack, devSystem } from "../../support/cloud";
import { root } from "../../support/root";

async function main(): Promise<void> {
  if (!canRun)
    throw new Error("The demonstration needs Linux and root: an address of the fake AWS has ports 22 and 80.");
  execFileSync(process.execPath, [join(root, "toolchain/bootstrap.mjs"), "env"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await prepareContainers(root);
  const system = await step("the fake CentOS 7, once", devSystem);
  const stack = await step("an account of the fake AWS", () => CloudStack.make(system));
  try {
    await stack.configure();
    await step("dev: up (an instance, its firewall, its address; the app on it)", () => stack.up());
    const { url } = await stack.outputs();
    process.stdout.write(`\n  ${String(url)} says: ${await fetchPage(String(url))}\n\n`);

    await stack.configure({}, { processes: 7 });
    const preview = await step("a branch sets processes to 7: the preview of its pull request", () =>
      stack.preview("--diff", "--suppress-progress"),
    );
    process.stdout.write(`\n${renderComment({ stack: "dev", failed: false, ...preview })}\n`);
    await step("merged: up", () => stack.up());
    await step("destroy", () => stack.destroy());
  } finally {
    await stack.remove();
  }
}

void main();
