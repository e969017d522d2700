import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";

/**
 * Fails where a login needs an ssh-agent that is not there. The command plugin connects to the agent that SSH_AUTH_SOCK
 * names even if it is given a key, and its own error does not name the cause.
 * @throws pulumi.RunError
 */
export function requireAgent({
  privateKey,
  bastion,
}: {
  privateKey?: string;
  bastion?: { privateKey?: string };
}): void {
  const socket = process.env.SSH_AUTH_SOCK;
  const isNeeded = privateKey === undefined || (bastion !== undefined && bastion.privateKey === undefined);
  if (!socket && isNeeded) {
    const key = privateKey === undefined ? "server.privateKey" : "server.bastion.privateKey";
    throw new pulumi.RunError(
      `There is no key to log in with: ${key} is not set, and no ssh-agent is running (SSH_AUTH_SOCK). Nothing was changed.\n` +
        `Fix: start an ssh-agent with your key, or run: pulumi config set --secret --path ${key} < FILE`,
    );
  }
  if (socket && !fs.existsSync(socket)) {
    throw new pulumi.RunError(
      `SSH_AUTH_SOCK names an ssh-agent that is not running: ${socket}. Nothing was changed.\n` +
        "Fix: start an ssh-agent, or run: unset SSH_AUTH_SOCK",
    );
  }
}
