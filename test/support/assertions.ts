// What scenarios look for.
import assert from "node:assert/strict";
import { httpGet, type LoadResult } from "./load";

/** What the engine says about the resources of a run, without what it left as it was. */
const changed = /\d+ (created|updated|replaced|deleted)/;

export async function assertPage(url: string, text: string, hostHeader?: string): Promise<void> {
  assert.deepEqual(await httpGet(url, hostHeader === undefined ? {} : { host: hostHeader }), { status: 200, text });
}

/** Every request was answered, with these texts in this order. */
export function assertServed(load: LoadResult, texts: readonly string[]): void {
  assert.deepEqual({ failures: load.failures, texts: load.texts }, { failures: [], texts });
}

/** The run found everything as it should be. */
export function assertUnchanged(output: string): void {
  assert.ok(!changed.test(output), `the run should change nothing, and printed\n${output}`);
  assert.match(output, /\d+ unchanged/);
}

/** The preview shows that a line takes the place of another one. */
export function assertLineChanges(output: string, before: string | undefined, after: string | undefined): void {
  const lines = output.split("\n").map((line) => line.trim());
  for (const [sign, line] of Object.entries({ "-": before, "+": after })) {
    if (line === undefined) continue;
    const found = lines.some((it) => it.startsWith(sign) && it.slice(1).trim() === line);
    assert.ok(found, `the preview should show the line "${sign} ${line}", and printed\n${output}`);
  }
}

/** Fails with the values that occur more than once. */
export function assertAllDiffer(values: readonly string[]): void {
  const repeated = values.filter((value, index) => values.indexOf(value) !== index);
  assert.deepEqual(repeated, [], `All of these must differ: ${values.join(", ")}`);
}
