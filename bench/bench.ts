// Figures as ratios, each pair taken in the same run, for machines are noisy. `npm run bench [ROUNDS]`, default 3.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine, quote } from "../rendering/shell";
import { extraCaCertificates } from "../settings/caCertificates";
import { baseUrls } from "../settings/mirrors";
import { root, Workspace } from "../test/support/engine";
import { httpGet } from "../test/support/load";
import { facts, type TestPlatform, testPlatforms } from "../test/support/platforms";
import { Product, type Settings } from "../test/support/product";

/** Seconds that some work takes. */
async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

interface Pair {
  ours: number[];
  theirs: number[];
}

function report(title: string, { ours, theirs }: Pair, goal?: number): void {
  const ratios = ours.map((value, index) => value / (theirs[index] ?? NaN));
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(" ");
  const wanted = goal === undefined ? "" : ` (goal: at most ${goal})`;
  console.log(`${title}: ratio ${median(ratios).toFixed(2)}${wanted}; seconds ${list(ours)} against ${list(theirs)}`);
}

/** A product whose server is there, ready and empty. */
async function readyServer(platform: TestPlatform, server: Settings): Promise<Product> {
  const product = await Product.make(
    { server, apps: { hello: { python: platform.python } } },
    { ...platform, fromSource: true },
  );
  await product.up("--target", "**ContainerServer::server", "--target-dependents=false", "--target", "**::server*");
  return product;
}

/** Runs the floor script on a server through one SSH session. */
async function runFloor(product: Product, { platform, env }: TestPlatform, server: Settings): Promise<void> {
  const ca = extraCaCertificates({ kind: "container" });
  const { sshCommand } = await product.outputs();
  const parts = [facts[platform.name as keyof typeof facts].baseline, "deploy.sh"].map((name) =>
    readFileSync(join(root, "bench/floor", name), "utf8"),
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

/** How many remote resources a stack has, and the longest chain of those that wait for one another. */
async function shape(product: Product): Promise<string> {
  const { resources } = await product.export();
  const remote = new Map(
    resources.filter(({ type }) => type.startsWith("command:remote:")).map((resource) => [resource.urn, resource]),
  );
  const length = (urn: string): number => {
    const before = (remote.get(urn)?.dependencies ?? []).filter((dependency) => remote.has(dependency));
    return 1 + Math.max(0, ...before.map(length));
  };
  return `${remote.size} remote resources, the longest chain has ${Math.max(...[...remote.keys()].map(length))}`;
}

async function deployments(rounds: number, platform: TestPlatform, server: Settings): Promise<Pair> {
  const pair: Pair = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    const [ours, theirs] = [await readyServer(platform, server), await readyServer(platform, server)];
    try {
      pair.theirs.push(await seconds(() => runFloor(theirs, platform, server)));
      pair.ours.push(await seconds(() => ours.up()));
      for (const product of [ours, theirs]) assert.match((await httpGet(product.url)).text, /Hello There!/);
      const times = `${pair.ours.at(-1)?.toFixed(1)} s, floor ${pair.theirs.at(-1)?.toFixed(1)} s`;
      console.log(`  ${platform.title}, round ${round + 1}: ${times}; ${await shape(ours)}`);
    } finally {
      await Promise.all([ours.remove(), theirs.remove()]);
    }
  }
  return pair;
}

/** As many resources of the same providers as the product has, and nothing else: what the engine itself takes. */
function trivialProgram(count: number): string {
  return `
    import * as command from "@pulumi/command";
    import * as random from "@pulumi/random";
    const { result } = new random.RandomPassword("password", { length: 8 });
    for (let i = 1; i < ${count}; i++) new command.local.Command(\`c\${i}\`, { create: "true", stdin: result });
  `;
}

/** Runs with nothing changed, against a program with nothing in it and against one with trivial resources. */
async function unchangedRuns(rounds: number): Promise<Record<"up" | "upTrivial" | "preview" | "previewTrivial", Pair>> {
  const pair = (): Pair => ({ ours: [], theirs: [] });
  const result = { up: pair(), upTrivial: pair(), preview: pair(), previewTrivial: pair() };
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
      const [upOurs, previewOurs] = [await up(product), await preview(product)];
      result.up.ours.push(upOurs);
      result.upTrivial.ours.push(upOurs);
      result.preview.ours.push(previewOurs);
      result.previewTrivial.ours.push(previewOurs);
      result.up.theirs.push(await up(empty));
      result.upTrivial.theirs.push(await up(trivial));
      result.preview.theirs.push(await preview(empty));
      result.previewTrivial.theirs.push(await preview(trivial));
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
  report("up with nothing changed / up of an empty program", unchanged.up, 1.3);
  report("the same / up of as many trivial resources", unchanged.upTrivial);
  report("preview with nothing changed / preview of an empty program", unchanged.preview);
  report("the same / preview of as many trivial resources", unchanged.previewTrivial);
  for (const platform of testPlatforms) {
    const title = `fresh deployment on a ready server with ${platform.title} / one shell script`;
    const server = await platform.server();
    if ("reason" in server) console.log(`${title}: skipped: ${String(server.reason)}`);
    else report(title, await deployments(rounds, platform, server), 1.2);
  }
}

void main();
