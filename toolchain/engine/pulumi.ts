import { basename, dirname } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation/cmd";
import type { Env } from "../common/paths";

/** What `PulumiCommand` offers at run time; its type declarations leave `run` out. The SDK is pinned to one version. */
interface Runner {
  run(args: string[], cwd: string, env: Env): Promise<{ readonly stdout: string; readonly stderr: string }>;
}

/**
 * Quick commands of the engine, started by `PulumiCommand` of Pulumi's Automation API.
 *
 * `LocalWorkspace` and `Stack` of that API are not used. Loading them takes a second or more, their `up` starts three
 * more commands, cannot ask for confirmation and takes no flags of the user's, `exportStack` writes secrets in plain text
 * to a file in /tmp that everyone can read (`importStack`), and `removeStack` leaves the backups.
 */
export class Pulumi {
  private command: Promise<PulumiCommand> | undefined;

  /** `engine`: the pulumi program; `env`: its whole environment. */
  constructor(
    readonly root: string,
    readonly engine: string,
    public env: Env,
  ) {}

  /** Runs a command and returns what it prints on stdout. */
  async run(...args: string[]): Promise<string> {
    const command = (await this.find()) as unknown as Runner;
    return (await command.run(args, this.root, this.onlyThese())).stdout;
  }

  private find(): Promise<PulumiCommand> {
    const folder = dirname(this.engine);
    // `root` is a folder that contains bin/pulumi. Without it, the one on PATH is found.
    const root = basename(folder) === "bin" ? dirname(folder) : undefined;
    this.command ??= PulumiCommand.get({ root, skipVersionCheck: true });
    return this.command;
  }

  /** The API adds this process's variables to those given; `undefined` removes them. */
  private onlyThese(): Env {
    const others = Object.keys(process.env).filter((name) => this.env[name] === undefined);
    return { ...this.env, ...Object.fromEntries(others.map((name) => [name, undefined])) };
  }
}

/** What the engine has printed, without what the API puts around it. */
export function engineMessage(error: unknown): string {
  return /^ stderr: .*\n([^]*?)\n err\?:/m.exec(String(error))?.[1] ?? String(error);
}
