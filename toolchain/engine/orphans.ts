import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { errorCode } from "../common/errors";

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The program's name, at most 15 characters (proc_pid_comm(5)). */
  readonly name: string;
  readonly args: readonly string[];
  readonly checkout: string | undefined;
}

/**
 * Ends what an engine that was killed has left running. The language host notices that its engine is dead only after up
 * to five minutes, and the program lives as long as its host.
 *
 * Only processes of this checkout's environment are ended, and only a language host whose parent is not an engine, and
 * a program whose parent is not a language host. On systems without /proc nothing is done: they end by themselves.
 */
export function endOrphans(checkout: string): number[] {
  const processes = new Map(readProcesses().map((process) => [process.pid, process]));
  const parentOf = ({ parent }: Process) => processes.get(parent);
  const ours = [...processes.values()].filter((process) => process.checkout === checkout);
  const hosts = ours.filter((it) => isLanguageHost(it) && parentOf(it)?.name !== "pulumi");
  const isOrphan = (parent: Process | undefined) =>
    parent === undefined || !isLanguageHost(parent) || hosts.includes(parent);
  const programs = ours.filter((it) => isProgram(it) && isOrphan(parentOf(it)));
  const pids = [...hosts, ...programs].map(({ pid }) => pid);
  return pids.filter(end);
}

/** The genuine host is a program of this name; an offline one is Node with the name among its arguments. */
function isLanguageHost({ args }: Process): boolean {
  return args.slice(0, 3).some((arg) => basename(arg) === "pulumi-language-nodejs");
}

/** The language host starts the program with this script of the SDK. */
function isProgram({ args }: Process): boolean {
  return args.some((arg) => /\/@pulumi\/pulumi\/cmd\/run(\/index\.js|\.js)?$/.test(arg));
}

function end(pid: number): boolean {
  try {
    process.kill(pid, "SIGTERM");
    return true;
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
    throw error;
  }
}

function readProcesses(): Process[] {
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids.flatMap((pid) => {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
    try {
      // "PID (NAME) STATE PARENT …": the name may contain spaces and parentheses.
      const [, name = "", parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(read("stat")) ?? [];
      const args = read("cmdline").split("\0");
      const variable = read("environ")
        .split("\0")
        .find((entry) => entry.startsWith("UWSGI_NGINX_CHECKOUT="));
      return [{ pid: Number(pid), parent: Number(parent), name, args, checkout: variable?.replace(/^\w+=/, "") }];
    } catch {
      return []; // it has ended, or belongs to another user
    }
  });
}
