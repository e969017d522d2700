import { createHmac } from "node:crypto";
import type { Secrets } from "../settings/secrets";

/**
 * A hash of secrets that tells one set of them from another. Without the key nobody can test a guess against it, so it may be
 * shown.
 */
export function fingerprint(secrets: Secrets, key: string): string {
  return createHmac("sha256", key).update(JSON.stringify(secrets)).digest("hex").slice(0, 32);
}

/**
 * Secrets as an environment file (systemd.exec(5)), for keep-secrets.sh. Its first line says which set of secrets it is, and
 * its last one that it is complete.
 */
export function environmentFile(secrets: Secrets, fingerprint: string): string {
  // In double quotes a backslash, a quote, a dollar and a backtick are escaped, for systemd as for the shell.
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"`);
  return [`# ${fingerprint}`, ...lines, `# end of ${fingerprint}`, ""].join("\n");
}
