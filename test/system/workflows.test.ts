// What the workflows run, line by line, in a fresh checkout against the fake AWS and a fake of GitHub's API. Each scenario
// says what it starts from.
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBackendUrl } from "../../toolchain/engine/environment";
import type { Cloud } from "../fakes/aws/account.mjs";
import { Checkout } from "../support/checkout";
import { canRun, devSettings, makeCloud, removeCloud, variablesOf } from "../support/cloud";
import { appDefaults } from "../support/defaults";
import { GitHub } from "../support/gitHub";
import { job, runs } from "../support/workflows";

describe("the workflows", function () {
  this.timeout(600_000);

  let cloud: Cloud;
  let gitHub: GitHub;
  let checkout: Checkout;
  const configure = (app: Record<string, unknown>, server: Record<string, unknown> = {}) =>
    writeFile(checkout.path("Pulumi.dev.yaml"), devSettings(server, app) + salt);
  let salt = "";

  /** The steps of a job that a shell runs, up to one that fails. */
  async function workflow(name: string, jobName: string, env: NodeJS.ProcessEnv = {}) {
    const backend = { PULUMI_BACKEND_URL: fileBackendUrl(checkout.path("state")), RUNNER: "ours", CI: "true" };
    let all = "";
    for (const script of runs(job(name, jobName))) {
      const { code, output } = await checkout.bash(`set -e -o pipefail\n${script}`, { ...backend, ...env }).ended;
      all += output;
      if (code !== 0) return { ok: false, output: all };
    }
    return { ok: true, output: all };
  }
  const instances = () => Object.values(cloud.account.instances).filter(({ state }) => state !== "terminated").length;
  const comments = () => gitHub.comments.map(({ body }) => body);

  async function pullRequest() {
    const event = checkout.path("event.json");
    await writeFile(event, JSON.stringify({ pull_request: { number: 7 } }));
    return workflow("pull-request", "preview", gitHub.variables(event));
  }

  const given = {
    /** The stack is deployed; its branch has the same settings. */
    async deployed(): Promise<void> {
      await configure({});
      if (instances() > 0) return;
      const { ok, output } = await workflow("deploy", "up");
      assert.ok(ok, `the deploy workflow should pass, and printed\n${output}`);
    },
  };

  before(async function () {
    if (!canRun) return this.skip();
    cloud = await makeCloud(await mkdtemp(join(tmpdir(), "uwsgi-nginx-account-")));
    gitHub = await GitHub.start();
    const secrets = { PULUMI_CONFIG_PASSPHRASE: "in place of the KMS key" };
    checkout = await Checkout.copy({ ...variablesOf(cloud, process.env.PATH), ...secrets });
    // What an operator does once, by hand.
    await configure({});
    const init = `mkdir state && eval "$(npm run --silent env)" && pulumi stack init dev`;
    const env = { PULUMI_BACKEND_URL: fileBackendUrl(checkout.path("state")) };
    const { code, output } = await checkout.bash(init, env).ended;
    assert.equal(code, 0, output);
    salt = /^encryptionsalt:.*\n/m.exec(await checkout.read("Pulumi.dev.yaml"))?.[0] ?? "";
  });
  after(async () => {
    await (checkout as Checkout | undefined)?.remove();
    await removeCloud(cloud);
    gitHub.stop();
  });

  it("deploy and destroy report a missing runner and a missing backend at once, and change nothing", async () => {
    const start = Date.now();
    const deploy = await workflow("deploy", "up", { RUNNER: "" });
    const destroy = await workflow("destroy", "destroy", { PULUMI_BACKEND_URL: "", STACK: "dev", CONFIRMATION: "dev" });
    assert.deepEqual([deploy.ok, destroy.ok, instances()], [false, false, 0]);
    assert.match(
      deploy.output,
      /^::error::GitHub's own runners have changing addresses, .* Nothing was changed\. Fix: set the repository's variable RUNNER/,
    );
    assert.match(destroy.output, /^::error::The repository's variable PULUMI_BACKEND_URL is not set/);
    const seconds = (Date.now() - start) / 1000;
    assert.ok(seconds < 10, `it should fail at once, and took ${seconds} s`);
  });

  it("the deploy workflow deploys the stack", async () => {
    await configure({});
    const { ok, output } = await workflow("deploy", "up");
    assert.ok(ok, `the workflow should pass, and printed\n${output}`);
    assert.equal(instances(), 1);
  });

  it("a pull request gets a comment with the line that its branch changes, or with no changes", async () => {
    await given.deployed();
    assert.deepEqual(await pullRequest().then(({ ok }) => [ok, comments().length]), [true, 1]);
    assert.match(comments().join(), /^### Preview of `dev`: no changes$/m);
    const { processes } = appDefaults;
    await configure({ processes: processes + 2 });
    const { ok, output } = await pullRequest();
    assert.ok(ok, `the workflow should pass, and printed\n${output}`);
    assert.equal(gitHub.comments.length, 1, "one comment, updated");
    assert.match(comments().join(), /^! hello-files \(update, /m);
    assert.match(
      comments().join(),
      new RegExp(`^- +processes = ${processes}\n\\+ +processes = ${processes + 2}$`, "m"),
    );
    assert.doesNotMatch(output + comments().join(), /PRIVATE KEY|#cloud-config|token/);
  });

  it("a pull request with wrong settings gets a comment that says what is wrong, and its workflow fails", async () => {
    await configure({ processes: 0 });
    const { ok } = await pullRequest();
    assert.equal(ok, false);
    assert.match(comments().join(), /^### Preview of `dev`: failed$/m);
    assert.match(comments().join(), /apps\.hello\.processes/);
    await configure({});
  });

  it("the drift workflow fails only when the settings are not deployed or the cloud was changed by hand", async () => {
    await given.deployed();
    assert.deepEqual(await workflow("drift", "drift").then(({ ok }) => ok), true);
    await configure({ processes: 7 });
    const settings = await workflow("drift", "drift");
    assert.equal(settings.ok, false, settings.output);
    assert.match(settings.output, /processes = 7/);
    await configure({});
    cloud.change(({ groups }) => {
      for (const { ingress } of Object.values(groups)) ingress.splice(0, 1);
    });
    const hand = await workflow("drift", "drift");
    assert.equal(hand.ok, false, hand.output);
    assert.match(hand.output, /aws:ec2\/securityGroup:SecurityGroup: \(update\)/);
  });

  it("the destroy workflow destroys the stack only after its name was typed twice", async () => {
    await given.deployed();
    const refused = await workflow("destroy", "destroy", { STACK: "dev", CONFIRMATION: "prod" });
    assert.equal(refused.ok, false);
    assert.match(refused.output, /The confirmation is not the stack's name\. Nothing was changed\./);
    assert.equal(instances(), 1);
    const { ok, output } = await workflow("destroy", "destroy", { STACK: "dev", CONFIRMATION: "dev" });
    assert.ok(ok, `the workflow should pass, and printed\n${output}`);
    const { groups, keyPairs, addresses, others } = cloud.account;
    assert.deepEqual([groups, keyPairs, addresses, others, instances()], [{}, {}, {}, {}, 0]);
  });
});
