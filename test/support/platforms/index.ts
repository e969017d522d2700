// The platforms that the system tests run on, each from the same test files.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { platforms, type Platform } from "../../../platforms";
import { platformVariable } from "../../../toolchain/checks/mochaRun";
import { el7Image, el7Mirrors } from "../el7";
import { readContainers } from "../containers";
import { type Prepared, preparedImage } from "../preparedImage";

export { facts } from "./facts";

const run = promisify(execFile);

export interface TestPlatform {
  title: string;
  platform: Platform;
  /** It only behaves like that system where the product meets it. */
  isFake?: true;
  /** Setting `python` of the apps. */
  python: string;
  /** Environment of the engine, where it must be another than this process's. */
  env: Record<string, undefined>;
  /** Settings of a server that runs it, or why there is none here. Takes minutes the first time. */
  server: () => Promise<Record<string, unknown> | { reason: string }>;
}

const { debian12, centos7 } = platforms;

/** Overrides of image and mirrors are meant for the genuine CentOS. */
export const withoutOverrides = Object.fromEntries(
  [
    centos7.container.rootFilesystemVariable ?? "",
    ...Object.values(centos7.packages.mirrors).map(({ variable }) => variable),
  ].map((name) => [name, undefined]),
);

export const testPlatforms: readonly TestPlatform[] = [
  { title: "Debian 12", platform: debian12, python: "3", env: {}, server: () => Promise.resolve({}) },
  {
    title: "a fake CentOS 7",
    isFake: true,
    platform: centos7,
    python: "2.7",
    env: withoutOverrides,
    server: async () => {
      const made = await el7Image();
      return "reason" in made ? made : { platform: centos7.name, image: made.image, mirrors: el7Mirrors };
    },
  },
  { title: "CentOS 7", platform: centos7, python: "2.7", env: {}, server: realCentos7 },
];

/** The genuine system: where its root file system is given or its image can be pulled, and its systemd can boot. */
async function realCentos7() {
  const server = { platform: centos7.name, image: centos7.container.image };
  if (!(await readFile("/proc/self/mountinfo", "utf8")).includes("name=systemd")) {
    return { reason: "this machine has no cgroup v1 hierarchy of systemd's, which systemd 219 needs" };
  }
  if (process.env[centos7.container.rootFilesystemVariable ?? ""]) return server;
  const { command } = await readContainers();
  try {
    await run(command[0], ["pull", "--quiet", "docker.io/library/centos:7"], { timeout: 300_000 });
    return server;
  } catch {
    return { reason: `its image cannot be pulled and ${centos7.container.rootFilesystemVariable ?? ""} is not set` };
  }
}

/**
 * The settings of a server with that platform; skips the tests, and says why, where there is none.
 * @param context of a `before` hook
 */
export async function serverSettings(platform: TestPlatform, context: Mocha.Context): Promise<Record<string, unknown>> {
  const server = await platform.server();
  if ("reason" in server) {
    console.log(`      skipped: ${String(server.reason)}`);
    context.skip();
  }
  return server;
}

/** The same of a server on which packages, or uWSGI too, are there already. */
export async function preparedSettings(
  test: TestPlatform,
  context: Mocha.Context,
  what?: Prepared,
): Promise<Record<string, unknown>> {
  return prepared(test, await serverSettings(test, context), what);
}

/** The settings with the image that is made by preparedImage.ts. */
export async function prepared(
  test: TestPlatform,
  server: Record<string, unknown>,
  what?: Prepared,
): Promise<Record<string, unknown>> {
  const { platform } = test;
  // It takes the place of every image.
  if ({ ...process.env, ...test.env }[platform.container.rootFilesystemVariable ?? ""]) return server;
  const base = typeof server.image === "string" ? server.image : (await readContainers()).image;
  return { ...server, image: await preparedImage(base, server, platform, what) };
}

/** The same without fakes, for what is the same on all of them. */
export function onGenuinePlatforms(title: string, tests: (this: Mocha.Suite, platform: TestPlatform) => void): void {
  onEachPlatform(
    title,
    tests,
    testPlatforms.filter(({ isFake }) => !isFake),
  );
}

/** `describe` for each of the systems, or for those of the platform that runTests.ts names. */
export function onEachPlatform(
  title: string,
  tests: (this: Mocha.Suite, platform: TestPlatform) => void,
  all = testPlatforms,
): void {
  const only = process.env[platformVariable];
  for (const platform of all) {
    if (only !== undefined && platform.platform.name !== only) continue;
    describe(`${title} with ${platform.title}`, function () {
      tests.call(this, platform);
    });
  }
}
