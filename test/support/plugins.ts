// The offline plugins of one project, which go on running between its engine runs: starting them for each is half of what a
// short run takes. The engine attaches to them (PULUMI_DEBUG_PROVIDERS, PULUMI_DEBUG_LANGUAGES). How it starts plugins by
// itself is seen by the tests of the npm scripts and of the plugins.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { paths } from "../../toolchain/common/paths";
import { which } from "../../toolchain/common/run";
import { isOffline } from "../../toolchain/engine/plugins";
import { root } from "./root";

type Environment = Readonly<Record<string, string | undefined>>;

interface Running {
  readonly env: Environment;
  readonly children: readonly ChildProcess[];
  readonly variables: Readonly<Record<string, string>>;
}

export class Plugins {
  private running: Running | undefined;

  /** @param resources names of the resource plugins that the project uses, without "pulumi-resource-" */
  constructor(
    private readonly folder: string,
    private readonly resources: readonly string[],
  ) {}

  /**
   * Variables that make the engine attach to the plugins, which have its environment. None where the genuine plugins are in
   * use: those are quick.
   */
  async variables(env: Environment): Promise<Readonly<Record<string, string>>> {
    const host = join(paths(root).bin, "pulumi-language-nodejs");
    if (!existsSync(host) || !isOffline(host)) return {};
    if (!isDeepStrictEqual(this.running?.env, env)) {
      this.stop();
      this.running = await this.start(env);
    }
    return this.running?.variables ?? {};
  }

  stop(): void {
    for (const child of this.running?.children ?? []) child.kill();
    this.running = undefined;
  }

  private async start(env: Environment): Promise<Running> {
    const start = join(root, "toolchain/offline/start.mjs");
    const programs = [
      [process.execPath, start, "pulumi-language-nodejs"],
      ...this.resources.map((name) => {
        const onPath = which(`pulumi-resource-${name}`, env.PATH);
        return onPath ? [onPath] : [process.execPath, start, `pulumi-resource-${name}`];
      }),
    ];
    const children = programs.map(([command = "", ...args]) =>
      spawn(command, args, { cwd: this.folder, env: { ...env }, stdio: ["ignore", "pipe", "inherit"] }),
    );
    const ports = await Promise.all(children.map(portOf));
    const [language = "", ...others] = ports;
    const providers = this.resources.map((name, index) => `${name}:${others[index]}`);
    const variables = { PULUMI_DEBUG_LANGUAGES: `nodejs:${language}`, PULUMI_DEBUG_PROVIDERS: providers.join(",") };
    return { env: { ...env }, children, variables };
  }
}

/** The port that a plugin prints once it listens. */
async function portOf(child: ChildProcess): Promise<string> {
  const port = child.stdout && once(child.stdout, "data").then(([data]) => String(data).trim());
  const end = once(child, "exit").then(([code, signal]) => {
    throw new Error(`The plugin ${child.spawnargs.join(" ")} ended before it listened: ${String(code ?? signal)}`);
  });
  return (await Promise.race([port, end])) ?? "";
}
