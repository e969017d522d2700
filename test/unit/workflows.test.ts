// What the workflows promise beyond what actionlint and shellcheck look at.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "../support/engine";
import { files, type Job, job, runs, workflows } from "../support/workflows";

const role = ({ steps }: Job) => steps.map((step) => step.with?.role).find(Boolean);

describe("workflows", () => {
  for (const [name, text] of files) {
    it(`pin each action by its commit and tell its version: ${name}`, () => {
      const uses = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line) && !line.includes("uses: ./"));
      for (const line of uses) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });
  }

  for (const [name, workflow] of Object.entries(workflows)) {
    it(`have no more permissions than a job asks for, and an end: ${name}`, () => {
      assert.deepEqual(workflow.permissions, {});
      for (const { permissions, ...rest } of Object.values(workflow.jobs)) {
        assert.ok(Number(rest["timeout-minutes"]) > 0);
        const allowed = ["contents", "id-token", "pull-requests"];
        assert.ok(Object.keys(permissions ?? {}).every((key) => allowed.includes(key)));
        assert.notEqual(permissions?.contents, "write");
      }
    });

    it(`run npm scripts that there are, and paste no expression into a shell: ${name}`, () => {
      const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
      for (const run of Object.values(workflow.jobs).flatMap(runs)) {
        assert.ok(!run.includes("${{"), run);
        const script = /^npm run (\S+)/.exec(run)?.[1];
        if (script) assert.ok(script in scripts, run);
      }
    });
  }

  it("give a pull request from a fork no credentials, and say so", () => {
    const { if: condition } = job("pull-request", "preview");
    assert.match(String(condition), /head\.repo\.full_name == github\.repository/);
    const fork = job("pull-request", "fork");
    assert.match(String(fork.if), /head\.repo\.full_name != github\.repository/);
    assert.equal(fork.permissions, undefined);
    assert.match(runs(fork).join(), /a fork gets no credentials/);
  });

  it("look with a role that cannot change anything, and change with the other, behind the environment's approval", () => {
    for (const looking of [job("pull-request", "preview"), job("drift", "drift")]) {
      assert.equal(role(looking), "${{ vars.AWS_PREVIEW_ROLE }}");
      assert.equal(looking.environment, undefined);
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

  it("destroy nothing before the name was typed twice", () => {
    const [compare, ...others] = runs(job("destroy", "destroy"));
    assert.match(String(compare), /if \[\[ \$STACK != "\$CONFIRMATION" \]\]/);
    assert.deepEqual(others, ['npm run destroy -- "$STACK" --yes']);
  });
});
