import * as fs from "node:fs";
import { rootCertificates } from "node:tls";

export interface CaSource {
  /** Setting `server.caCertificates`. */
  caCertificates?: string;
  /** The server runs on your computer, so it trusts what your computer trusts. */
  onYourComputer: boolean;
}

/**
 * The CA certificates (PEM) that the server trusts in addition to its own; undefined if there are none.
 *
 * The file in the settings is used whole. Otherwise a server on your computer gets the certificates of the bundle that
 * SSL_CERT_FILE names, except the usual CAs: what is left is what a company with its own CA has added.
 */
export function extraCaCertificates(
  { caCertificates, onYourComputer }: CaSource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (caCertificates !== undefined) return fs.readFileSync(caCertificates, "utf8");
  const bundle = env.SSL_CERT_FILE;
  if (!onYourComputer || !bundle || !fs.existsSync(bundle)) return undefined;
  const usual = new Set(rootCertificates.map(encoded));
  const extra = certificates(fs.readFileSync(bundle, "utf8")).filter((pem) => !usual.has(encoded(pem)));
  return extra.length > 0 ? `${extra.join("\n")}\n` : undefined;
}

function certificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Ignores line breaks. The certificates are not parsed, which would take 80 ms for the usual CAs. */
function encoded(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----|\s/g, "");
}
