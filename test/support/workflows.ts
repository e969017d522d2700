// The workflows, as GitHub reads them.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { load } from "js-yaml";
import { root } from "./root";

export interface Job {
  if?: string;
  environment?: string;
  env?: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  steps: { run?: string; uses?: string; with?: Record<string, string>; env?: Record<string, string> }[];
}
export interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  concurrency?: Job["concurrency"];
  jobs: Record<string, Job>;
}

const folder = path.join(root, ".github");

interface Dependabot {
  updates: { "package-ecosystem": string; directory?: string; directories?: string[] }[];
}

export const dependabot = load(fs.readFileSync(path.join(folder, "dependabot.yml"), "utf8")) as Dependabot;

/** Name and text of each file, actions of our own too. */
export const files = fs
  .readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yml"))
  .map((name) => [name, fs.readFileSync(path.join(folder, name), "utf8")] as const);

export const workflows = Object.fromEntries(
  files.filter(([name]) => name.startsWith("workflows/")).map(([name, text]) => [name.slice(10, -4), load(text)]),
) as Record<string, Workflow>;

export function job(workflow: string, name: string): Job {
  const found = workflows[workflow]?.jobs[name];
  assert.ok(found, `${workflow} has a job ${name}`);
  return found;
}

/** What the steps of a job run in a shell. */
export function runs({ steps }: Job): string[] {
  return steps.flatMap(({ run }) => run ?? []);
}
