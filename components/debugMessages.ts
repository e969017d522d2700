import * as pulumi from "@pulumi/pulumi";

/**
 * Makes the SDK send no debug messages, which the engine prints with --debug or --logtostderr. They show what resources are made
 * with and what comes back, and the engine hides only the secrets of the settings in them: a generated password or private key
 * would be there in clear.
 *
 * The SDK's own modules look this function up in the same module.
 */
export function sendNoDebugMessages(): void {
  Object.assign(pulumi.log, { debug: () => Promise.resolve() });
}
