// Checks of the workflows beyond those of actionlint and shellcheck.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "../support/root";
import { dependabot, files, type Job, job, runs, workflows } from "../support/workflows";

const role = ({ steps }: Job) => steps.map((step) => step.with?.role).find(Boolean);
const secretsOf = (it: Job) => [...JSON.stringify(it).matchAll(/secrets\.(\w+)/g)].map(([, name]) => name);
const hasCredentials = (it: Job) => secretsOf(it).length > 0 || "id-token" in (it.permissions ?? {});

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
    assert.match(String(condition), /vars\.PREVIEWS != 'off'/);
    assert.match(String(condition), /head\.repo\.full_name == github\.repository/);
    const fork = job("pull-request", "fork");
    assert.match(String(fork.if), /head\.repo\.full_name != github\.repository/);
    assert.equal(fork.permissions, undefined);
    assert.match(runs(fork).join(), /forks get no credentials/);
  });

  it("previews use a read-only role, and changes use another role and another environment", () => {
    const [preview, drift] = [job("pull-request", "preview"), job("drift", "drift")];
    assert.deepEqual([preview.environment, drift.environment], ["preview", "drift"]);
    for (const previewing of [preview, drift]) assert.equal(role(previewing), "${{ vars.AWS_PREVIEW_ROLE }}");
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

  it("every job with credentials runs in an environment, and no other job has any", () => {
    const jobs = Object.values(workflows).flatMap(({ jobs }) => Object.entries(jobs));
    const withCredentials = jobs.filter(([, it]) => hasCredentials(it)).map(([name]) => name);
    assert.deepEqual(withCredentials.sort(), ["destroy", "drift", "preview", "up"]);
    for (const [name, it] of jobs) {
      assert.equal(it.environment !== undefined, hasCredentials(it), name);
      if (!hasCredentials(it)) assert.equal(role(it), undefined, name);
    }
  });

  it("the code of an unmerged branch gets no credential that can change a stack", () => {
    const withTarget = files.filter(([, text]) => text.includes("pull_request_target")).map(([name]) => name);
    assert.deepEqual(withTarget, []);
    for (const it of [...Object.values(workflows["pull-request"]?.jobs ?? {}), job("drift", "drift")]) {
      assert.doesNotMatch(JSON.stringify(it), /AWS_DEPLOY_ROLE|PASSPHRASE/);
      for (const secret of secretsOf(it)) assert.equal(secret, "PULUMI_PREVIEW_TOKEN");
    }
    assert.deepEqual(workflows.deploy?.on, { push: { branches: ["main"] } });
    for (const name of ["drift", "destroy"])
      assert.match(String(job(name, name).if), /github\.ref == 'refs\/heads\/main'/);
  });

  it("docs/aws.md protects every environment before a role trusts it", () => {
    const text = fs.readFileSync(path.join(root, "docs/aws.md"), "utf8");
    const trusted = ["preview", "deploy"].flatMap((name) => {
      const trust = fs.readFileSync(path.join(root, `docs/iam/trust-${name}.json`), "utf8");
      return [...trust.matchAll(/"repo:REPOSITORY:(.+)"/g)].map(([, subject = ""]) => subject);
    });
    const protection =
      /^ *protect dev "\$reviewers" "\$main"\n *protect drift '\[\]' "\$main"\n *protect preview "\$reviewers" null\n/m.exec(
        text,
      );
    assert.deepEqual(trusted, ["environment:preview", "environment:drift", "environment:dev"]);
    assert.ok(protection, "docs/aws.md does not protect dev, drift and preview");
    assert.ok(protection.index < text.indexOf("aws iam create-role"), "the roles must come after the environments");
  });

  it("the packages' signatures and known weaknesses are checked without credentials", () => {
    const { permissions, ...audit } = job("pull-request", "dependencies");
    assert.deepEqual(permissions, { contents: "read" });
    assert.deepEqual(runs(audit), ["npm ci", "npm audit signatures", "npm audit --audit-level=high"]);
  });

  it("the lock file has a checksum for every package", () => {
    const { packages } = JSON.parse(fs.readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { integrity?: string }>;
    };
    const without = Object.entries(packages).filter(([name, it]) => name && !it.integrity?.startsWith("sha512-"));
    assert.deepEqual(without, []);
  });

  it("Dependabot updates the packages and every file that uses an action", () => {
    const foldersOf = (ecosystem: string) =>
      dependabot.updates
        .filter((it) => it["package-ecosystem"] === ecosystem)
        .flatMap(({ directory, directories = [] }) => [...directories, ...(directory ? [directory] : [])]);
    assert.deepEqual(foldersOf("npm"), ["/"]);
    const actions = foldersOf("github-actions");
    for (const [name] of files.filter(([, text]) => /uses: [\w-]+\//.test(text))) {
      const folder = name.startsWith("workflows/") ? "/" : `/.github/${path.dirname(name)}`;
      assert.ok(actions.includes(folder), `${name}: Dependabot must update ${folder}`);
    }
  });

  it("a stack's name must be valid and confirmed before anything is destroyed", () => {
    const [check = "", ...others] = runs(job("destroy", "destroy"));
    assert.deepEqual(others, ['npm run destroy -- "$STACK" --yes']);
    const run = (stack: string, confirmation = stack) =>
      spawnSync("bash", ["-e", "-o", "pipefail", "-c", check], {
        env: { PATH: process.env.PATH, PULUMI_BACKEND_URL: "s3://b", STACK: stack, CONFIRMATION: confirmation },
        encoding: "utf8",
      });
    for (const stack of ["dev", "a.b_c-1", "acme/site/dev"]) assert.equal(run(stack).status, 0, stack);
    // The command would take these for flags, and destroy the stack `local` instead.
    for (const stack of ["--server-gone", "-y", "", "dev --server-gone", "dev\n--yes"]) {
      const { status, stdout } = run(stack);
      assert.equal(status, 1, stack);
      assert.match(stdout, /^::error::This is not the name of a stack\. Nothing was changed\. Fix: /);
    }
    assert.match(
      run("dev", "prod").stdout,
      /^::error::The confirmation is not the stack's name\. Nothing was changed\./,
    );
  });
});
