// Checks of the workflows beyond those of actionlint and shellcheck.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "../support/root";
import { files, type Job, job, runs, workflows } from "../support/workflows";

const role = ({ steps }: Job) => steps.map((step) => step.with?.role).find(Boolean);

describe("workflows", () => {
  for (const [name, text] of files) {
    it(`actions are pinned to a commit, with the version as a comment: ${name}`, () => {
      const uses = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line) && !line.includes("uses: ./"));
      for (const line of uses) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });
  }

  for (const [name, workflow] of Object.entries(workflows)) {
    it(`the workflow has no permissions by default, and each job has a timeout: ${name}`, () => {
      assert.deepEqual(workflow.permissions, {});
      for (const { permissions, ...rest } of Object.values(workflow.jobs)) {
        assert.ok(Number(rest["timeout-minutes"]) > 0, `Set timeout-minutes for every job of ${name}.`);
        const allowed = ["contents", "id-token", "pull-requests"];
        assert.deepEqual(
          Object.keys(permissions ?? {}).filter((key) => !allowed.includes(key)),
          [],
        );
        assert.notEqual(permissions?.contents, "write");
      }
    });

    it(`steps run existing npm scripts and insert no expressions into shell code: ${name}`, () => {
      const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
      for (const run of Object.values(workflow.jobs).flatMap(runs)) {
        assert.ok(!run.includes("${{"), `Pass the value of the expression as an environment variable: ${run}`);
        const script = /^npm run (\S+)/.exec(run)?.[1];
        if (script) assert.ok(script in scripts, `package.json has no script ${script}.`);
      }
    });
  }

  it("a pull request from a fork gets no credentials and an explanation", () => {
    const { if: condition } = job("pull-request", "preview");
    assert.match(String(condition), /head\.repo\.full_name == github\.repository/);
    const fork = job("pull-request", "fork");
    assert.match(String(fork.if), /head\.repo\.full_name != github\.repository/);
    assert.equal(fork.permissions, undefined);
    assert.match(runs(fork).join(), /forks get no credentials/);
  });

  it("previews use a read-only role, and changes use another role and an environment", () => {
    for (const previewing of [job("pull-request", "preview"), job("drift", "drift")]) {
      assert.equal(role(previewing), "${{ vars.AWS_PREVIEW_ROLE }}");
      assert.equal(previewing.environment, undefined);
    }
    const deploying = job("deploy", "up");
    const destroying = job("destroy", "destroy");
    assert.equal(deploying.environment, "dev");
    assert.equal(destroying.environment, "${{ inputs.stack }}");
    for (const changing of [deploying, destroying]) assert.equal(role(changing), "${{ vars.AWS_DEPLOY_ROLE }}");
    assert.deepEqual(deploying.concurrency, { group: "stack-dev", "cancel-in-progress": false });
    assert.deepEqual(workflows.destroy?.concurrency, {
      group: "stack-${{ inputs.stack }}",
      "cancel-in-progress": false,
    });
  });

  it("the stack's name must be confirmed before anything is destroyed", () => {
    const [compare, ...others] = runs(job("destroy", "destroy"));
    assert.match(String(compare), /if \[\[ \$STACK != "\$CONFIRMATION" \]\]/);
    assert.deepEqual(others, ['npm run destroy -- "$STACK" --yes']);
  });
});
