import { createHmac } from "node:crypto";
import { variableLines } from "./environment";
import type { Variables } from "../settings/environment";

/**
 * A hash of secrets that tells one set of them from another. Without the key nobody can test a guess against it, so it may be
 * shown.
 */
export function fingerprint(secrets: Variables, key: string): string {
  return createHmac("sha256", key).update(JSON.stringify(secrets)).digest("hex").slice(0, 32);
}

/**
 * Secrets as an environment file, for keep-secrets.sh. Its first line says which set of secrets it is, and its last one that it
 * is complete.
 */
export function secretsFile(secrets: Variables, fingerprint: string): string {
  return `# ${fingerprint}\n${variableLines(secrets)}# end of ${fingerprint}\n`;
}
