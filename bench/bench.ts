// Measures ratios. Both values of a ratio come from the same run, because the speed of a computer varies.
// Usage: npm run bench -- [ROUNDS [changes]], default 3. With `changes`, only what a change of an app takes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { commandLine, quote } from "../rendering/shell";
import { extraCaCertificates } from "../settings/caCertificates";
import { baseUrls } from "../settings/mirrors";
import { prepareTools } from "../toolchain/commands/prepare";
import { prepareContainers } from "../toolchain/containers/prepare";
import { Workspace } from "../test/support/engine";
import { root } from "../test/support/root";
import { httpGet } from "../test/support/load";
import { facts, type TestPlatform, testPlatforms } from "../test/support/platforms";
import { Product, type Settings } from "../test/support/product";
import { changes } from "./changes";
import { type Measurement, report, secondsOf } from "./measure";

/** A stack whose server runs, without apps. */
async function readyServer(platform: TestPlatform, server: Settings, from: string): Promise<Product> {
  const product = await Product.make(
    { server, uwsgi: { from }, apps: { hello: { python: platform.python } } },
    { ...platform, fromSource: true },
  );
  await product.up("--target", "**ContainerServer::server", "--target-dependents=false", "--target", "**::server*");
  return product;
}

/** Runs the baseline script on a server through one SSH session. */
async function runBaseline(product: Product, { platform, env }: TestPlatform, server: Settings): Promise<void> {
  const ca = extraCaCertificates({ onYourComputer: true });
  const { sshCommand } = await product.outputs();
  const parts = [facts[platform.name as keyof typeof facts].baseline, "deploy.sh"].map((name) =>
    readFileSync(join(root, "bench/baseline", name), "utf8"),
  );
  if (ca !== undefined) await product.ssh(`cat > /tmp/ca.crt <<'EOF'\n${ca}EOF`);
  const urls = baseUrls(platform, (server.mirrors ?? {}) as Record<string, string[]>, { ...process.env, ...env });
  const mirrors = Object.entries(platform.packages.mirrors).map(
    ([name, { release }]) => urls[name]?.find((url) => url.endsWith(`/${release}`)) ?? "",
  );
  const words = [ca === undefined ? "" : "/tmp/ca.crt", ...mirrors];
  const child = spawn("bash", ["-c", `${sshCommand as string} ${quote(commandLine(["bash", "-s", "--", ...words]))}`], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  child.stdin.end(parts.join("\n"));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, errors);
}

/** The number of remote resources of a stack, and the length of their longest chain of dependencies. */
async function shape(product: Product): Promise<string> {
  const { resources } = await product.export();
  const remote = new Map(
    resources.filter(({ type }) => type.startsWith("command:remote:")).map((resource) => [resource.urn, resource]),
  );
  const length = (urn: string): number => {
    const before = (remote.get(urn)?.dependencies ?? []).filter((dependency) => remote.has(dependency));
    return 1 + Math.max(0, ...before.map(length));
  };
  return `${remote.size} remote resources, longest chain ${Math.max(...[...remote.keys()].map(length))}`;
}

/** @param from where uWSGI comes from */
async function deployments(
  rounds: number,
  platform: TestPlatform,
  server: Settings,
  from: string,
): Promise<Measurement> {
  const measurement: Measurement = { product: [], baseline: [] };
  for (let round = 0; round < rounds; round++) {
    const [product, baseline] = [await readyServer(platform, server, from), await readyServer(platform, server, from)];
    try {
      measurement.baseline.push(await secondsOf(() => runBaseline(baseline, platform, server)));
      measurement.product.push(await secondsOf(() => product.up()));
      for (const { url } of [product, baseline]) assert.match((await httpGet(url)).text, /Hello There!/);
      const connections = await product.exec("journalctl --no-pager | grep --count 'Accepted publickey'");
      const [ours, theirs] = [measurement.product, measurement.baseline].map((all) => all.at(-1)?.seconds.toFixed(1));
      console.log(
        `  ${platform.title}, round ${round + 1}: ${ours} s, baseline ${theirs} s; ${await shape(product)}, ${connections} SSH connections`,
      );
    } finally {
      await Promise.all([product.remove(), baseline.remove()]);
    }
  }
  return measurement;
}

/** A program with one resource of each plugin, to measure what the engine itself needs. */
const baseProgram = `
  import * as command from "@pulumi/command";
  import * as random from "@pulumi/random";
  const { result } = new random.RandomPassword("password", { length: 8 });
  new command.local.Command("command", { create: "true", stdin: result });
`;

/** The settings of that many apps like the sample app. */
function manyApps(count: number): Settings {
  const name = (index: number) => `app${index}`;
  const app = (index: number) => ({ processes: 1, domains: [`${name(index)}.example.org`] });
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), app(index)]));
}

/** A stack with that many apps. */
async function deployed(count: number): Promise<Product> {
  const product = await Product.make({ apps: manyApps(count) }, { fromSource: true });
  await product.up();
  const { size } = statSync(join(product.projectDir, ".local/state/.pulumi/stacks/uwsgi-nginx/test.json"));
  const connections = await product.exec("journalctl --no-pager | grep --count 'Accepted publickey'");
  console.log(`${count} apps: state of ${Math.round(size / 1000)} KB, ${connections} SSH connections of the first up`);
  return product;
}

/** Measures runs without changes: of one app and the base program, and of twenty apps and one. */
async function unchangedRuns(rounds: number): Promise<void> {
  const none = (): Measurement => ({ product: [], baseline: [] });
  const commands = { up: ["up", "--yes"], preview: ["preview"] };
  const base = await Workspace.temporary({ program: baseProgram, fromSource: true });
  const [one, twenty] = [await deployed(1), await deployed(20)];
  try {
    await base.up();
    for (const [name, args] of Object.entries(commands)) {
      const [oneApp, twentyApps] = [none(), none()];
      for (let round = 0; round < rounds; round++) {
        const sample = await one.measure(...args);
        oneApp.product.push(sample);
        twentyApps.baseline.push(sample);
        oneApp.baseline.push(await base.measure(...args));
        twentyApps.product.push(await twenty.measure(...args));
      }
      report(`${name} without changes, one app / one resource of each plugin`, oneApp, 1.15);
      report(`${name} without changes, twenty apps / one app`, twentyApps, 1.6);
    }
  } finally {
    await Promise.all([base, one, twenty].map((it) => it.remove()));
  }
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 3);
  await prepareTools(root, "local");
  await prepareContainers(root);
  if (process.argv[3] === "changes") return changes(rounds);
  await unchangedRuns(rounds);
  for (const platform of testPlatforms) {
    const title = `first deployment to an empty server with ${platform.title}`;
    const server = await platform.server();
    if ("reason" in server) {
      console.log(`${title}: skipped: ${String(server.reason)}`);
      continue;
    }
    for (const [from, goal] of Object.entries({ source: 1, wheel: 0.6 })) {
      const measured = await deployments(rounds, platform, server, from);
      report(`${title}, uWSGI from ${from} / one shell script that compiles it`, measured, goal);
    }
  }
}

void main();
