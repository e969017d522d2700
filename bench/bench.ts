// Measures ratios. Both values of a ratio come from the same run, because the speed of a computer varies.
// Usage: npm run bench [ROUNDS], default 3
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine, quote } from "../rendering/shell";
import { extraCaCertificates } from "../settings/caCertificates";
import { baseUrls } from "../settings/mirrors";
import { Workspace } from "../test/support/engine";
import { root } from "../test/support/root";
import { httpGet } from "../test/support/load";
import { facts, type TestPlatform, testPlatforms } from "../test/support/platforms";
import { Product, type Settings } from "../test/support/product";

/** Measures how many seconds an action takes. */
async function seconds(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Seconds of each round. */
interface Measurement {
  product: number[];
  baseline: number[];
}

function report(title: string, { product, baseline }: Measurement, goal?: number): void {
  const ratios = product.map((value, index) => value / (baseline[index] ?? NaN));
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(" ");
  const target = goal === undefined ? "" : ` (goal: at most ${goal})`;
  console.log(
    `${title}: ratio ${median(ratios).toFixed(2)}${target}; ${list(product)} s, baseline ${list(baseline)} s`,
  );
}

/** A stack whose server runs, without apps. */
async function readyServer(platform: TestPlatform, server: Settings): Promise<Product> {
  const product = await Product.make(
    { server, apps: { hello: { python: platform.python } } },
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

async function deployments(rounds: number, platform: TestPlatform, server: Settings): Promise<Measurement> {
  const measurement: Measurement = { product: [], baseline: [] };
  for (let round = 0; round < rounds; round++) {
    const [product, baseline] = [await readyServer(platform, server), await readyServer(platform, server)];
    try {
      measurement.baseline.push(await seconds(() => runBaseline(baseline, platform, server)));
      measurement.product.push(await seconds(() => product.up()));
      for (const { url } of [product, baseline]) assert.match((await httpGet(url)).text, /Hello There!/);
      const times = `${measurement.product.at(-1)?.toFixed(1)} s, baseline ${measurement.baseline.at(-1)?.toFixed(1)} s`;
      console.log(`  ${platform.title}, round ${round + 1}: ${times}; ${await shape(product)}`);
    } finally {
      await Promise.all([product.remove(), baseline.remove()]);
    }
  }
  return measurement;
}

/** A program with as many resources of the same providers as the product, to measure what the engine itself needs. */
function trivialProgram(count: number): string {
  return `
    import * as command from "@pulumi/command";
    import * as random from "@pulumi/random";
    const { result } = new random.RandomPassword("password", { length: 8 });
    for (let i = 1; i < ${count}; i++) new command.local.Command(\`c\${i}\`, { create: "true", stdin: result });
  `;
}

/** Measures runs without changes. The baselines are an empty program and one with trivial resources. */
async function unchangedRuns(
  rounds: number,
): Promise<Record<"up" | "upTrivial" | "preview" | "previewTrivial", Measurement>> {
  const none = (): Measurement => ({ product: [], baseline: [] });
  const result = { up: none(), upTrivial: none(), preview: none(), previewTrivial: none() };
  const product = await Product.make({}, { fromSource: true });
  const empty = await Workspace.temporary({ program: "export {};\n" });
  try {
    await product.up();
    const { resources } = await product.export();
    const ownCount = resources.filter(({ type }) => /^(command|random):/.test(type)).length;
    const trivial = await Workspace.temporary({ program: trivialProgram(ownCount) });
    await Promise.all([empty.up(), trivial.up()]);
    const up = (workspace: Workspace) => seconds(() => workspace.succeed("up", "--yes", "--stack", workspace.stack));
    const preview = (workspace: Workspace) => seconds(() => workspace.preview());
    for (let round = 0; round < rounds; round++) {
      const [upProduct, previewProduct] = [await up(product), await preview(product)];
      result.up.product.push(upProduct);
      result.upTrivial.product.push(upProduct);
      result.preview.product.push(previewProduct);
      result.previewTrivial.product.push(previewProduct);
      result.up.baseline.push(await up(empty));
      result.upTrivial.baseline.push(await up(trivial));
      result.preview.baseline.push(await preview(empty));
      result.previewTrivial.baseline.push(await preview(trivial));
    }
    await trivial.destroy();
    await trivial.remove();
  } finally {
    await empty.remove();
    await product.remove();
  }
  return result;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 3);
  const unchanged = await unchangedRuns(rounds);
  report("up without changes / up of an empty program", unchanged.up, 1.3);
  report("up without changes / up of as many trivial resources", unchanged.upTrivial);
  report("preview without changes / preview of an empty program", unchanged.preview);
  report("preview without changes / preview of as many trivial resources", unchanged.previewTrivial);
  for (const platform of testPlatforms) {
    const title = `first deployment to an empty server with ${platform.title} / one shell script`;
    const server = await platform.server();
    if ("reason" in server) console.log(`${title}: skipped: ${String(server.reason)}`);
    else report(title, await deployments(rounds, platform, server), 1.2);
  }
}

void main();
