import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config";
import { loadSettings, secretsInClear, SettingsError } from "../settings/load";
import type { Settings } from "../settings/schema";

/** The SDK has it for its own use and leaves it out of its types. */
const { isConfigSecret } = runtimeConfig as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * The settings of the stack that runs: the only place where configuration is read.
 * @throws pulumi.RunError with every mistake there is; it is shown without a stack trace
 */
export function stackSettings(): Settings {
  const raw = {
    project: pulumi.getProject(),
    config: runtimeConfig.allConfig(),
    isSecret: isConfigSecret,
    folder: process.cwd(),
  };
  try {
    const settings = loadSettings(raw);
    for (const key of secretsInClear(raw)) {
      void pulumi.log.warn(
        `${key} stands unencrypted in Pulumi.${pulumi.getStack()}.yaml. Change it where it is used, for whoever read that file knows it, then: pulumi config set --secret --path ${key}`,
      );
    }
    return settings;
  } catch (error) {
    if (error instanceof SettingsError) throw new pulumi.RunError(error.message);
    throw error;
  }
}
