import * as fs from "node:fs";
import { rootCertificates } from "node:tls";
import type { Settings } from "./schema";

/**
 * The CA certificates (PEM) that the server shall trust beyond its own; undefined where there are none.
 *
 * A file that the settings name is taken whole. A container is on this machine, so it trusts what the machine trusts:
 * of the bundle that SSL_CERT_FILE names, what is not among the usual CAs, which an office with its own has added.
 */
export function extraCaCertificates(
  server: Pick<Settings["server"], "kind" | "caCertificates">,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (server.caCertificates !== undefined) return fs.readFileSync(server.caCertificates, "utf8");
  if (server.kind !== "container") return undefined;
  const bundle = env.SSL_CERT_FILE;
  if (!bundle || !fs.existsSync(bundle)) return undefined;
  const usual = new Set(rootCertificates.map(encoded));
  const extra = certificates(fs.readFileSync(bundle, "utf8")).filter((pem) => !usual.has(encoded(pem)));
  return extra.length > 0 ? `${extra.join("\n")}\n` : undefined;
}

function certificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** The certificate itself, so that line breaks make no difference. Not parsed: for all the usual ones that takes 80 ms. */
function encoded(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----|\s/g, "");
}
