import * as fs from "node:fs";
import { load } from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import { encryptedPaths } from "../settings/encrypted";
import { loadSettings, secretsInClear, SettingsError } from "../settings/load";
import type { Settings } from "../settings/schema";
import { sourceNotes, Sources } from "../settings/source";
import { SourceChanged } from "../settings/sourceTree";

/** Missing in the SDK's types. */
const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * The settings of the current stack, and the lists of its apps' code. No other code reads the configuration.
 * @throws pulumi.RunError with all mistakes, which is shown without a stack trace
 */
export function stackSettings(): { settings: Settings; sources: Sources } {
  const sources = new Sources(process.cwd());
  const raw = {
    project: pulumi.getProject(),
    config: runtimeConfig.allConfig(),
    isSecret: isConfigSecret,
    encrypted: encryptedPaths(pulumi.getProject(), stackFileConfig()),
    folder: process.cwd(),
    sources,
  };
  const load = () => withoutStackTrace(SettingsError, () => loadSettings(raw));
  const settings = withoutStackTrace(SourceChanged, load);
  for (const key of secretsInClear(raw)) void pulumi.log.warn(plainTextWarning(key));
  for (const [name, app] of Object.entries(settings.apps)) {
    const { warnings, notices } = sourceNotes(name, sources.of(app));
    for (const text of warnings) void pulumi.log.warn(text);
    for (const text of notices) void pulumi.log.info(text);
  }
  return { settings, sources };
}

/** Of the stack's file, which may be another one (`--config-file`) or none. */
function stackFileConfig(): unknown {
  const file = `Pulumi.${pulumi.getStack()}.yaml`;
  if (!fs.existsSync(file)) return undefined;
  return (load(fs.readFileSync(file, "utf8")) as { config?: unknown } | undefined)?.config;
}

/** Does something whose errors of a class say all that there is to say. */
export function withoutStackTrace<T>(known: new (...args: never[]) => Error, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof known) throw new pulumi.RunError(error.message);
    throw error;
  }
}

function plainTextWarning(key: string): string {
  return (
    `${key} is stored in plain text in Pulumi.${pulumi.getStack()}.yaml, so anyone with access to the file can read it.\n` +
    `Fix: replace the secret with a new one, and run: pulumi config set --secret --path ${key}`
  );
}
