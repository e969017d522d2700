import type { Mistake } from "../../settings/mistake";
import { isEncrypted } from "../../settings/privateKey";
import type { SshSettings } from "./schema";

export function sshChecks(server: SshSettings): Mistake[] {
  const { user, sudoPassword, bastion } = server;
  const mistakes = [...keyChecks(server, ["server"]), ...(bastion ? keyChecks(bastion, ["server", "bastion"]) : [])];
  if (user === "root" && sudoPassword !== undefined) {
    mistakes.push({
      path: ["server", "sudoPassword"],
      text: "set, but server.user is root, which does not need sudo.",
      fix: "remove it, or set server.user.",
    });
  }
  return mistakes;
}

function keyChecks(
  { privateKey, privateKeyPassphrase }: { privateKey?: string; privateKeyPassphrase?: string },
  login: readonly string[],
): Mistake[] {
  const path = [...login, "privateKeyPassphrase"];
  if (privateKey === undefined) {
    if (privateKeyPassphrase === undefined) return [];
    return [{ path, text: "set, but there is no privateKey.", fix: "set the key too, or remove the passphrase." }];
  }
  if (!isEncrypted(privateKey) || privateKeyPassphrase !== undefined) return [];
  const fix = `run: pulumi config set --secret --path ${path.join(".")}`;
  return [{ path, text: "required, because the private key is encrypted, but not set.", fix }];
}
