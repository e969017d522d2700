import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

export interface SshKeyPair {
  /** OpenSSH's own format (PROTOCOL.key), unencrypted. */
  privateKey: string;
  /** `ssh-ed25519 BASE64` as in authorized_keys and known_hosts. */
  publicKey: string;
}

const algorithm = "ssh-ed25519";
/** DER of a PKCS#8 ed25519 private key up to its 32 bytes of seed (RFC 8410). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** A string as SSH writes it: its length in four bytes, then its bytes (RFC 4251). */
function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/**
 * The ed25519 key pair of a seed. The same seed gives the same texts, so that a key made once never shows as a change:
 * this is why no library writes it, for they put random check bytes into each copy.
 * @param seed 32 random bytes
 */
export function ed25519KeyPair(seed: Buffer): SshKeyPair {
  if (seed.length !== 32) throw new Error(`an ed25519 seed has 32 bytes, not ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  const point = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);

  const publicBlob = Buffer.concat([sshString(algorithm), sshString(point)]);
  const check = createHash("sha256").update("check").update(seed).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, publicBlob, sshString(Buffer.concat([seed, point])), sshString("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    sshString("none"),
    sshString("none"),
    sshString(""),
    Buffer.from([0, 0, 0, 1]),
    sshString(publicBlob),
    sshString(Buffer.concat([secret, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  const pem = ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
  return { privateKey: pem, publicKey: `${algorithm} ${publicBlob.toString("base64")}` };
}

/**
 * The public half of a private key in OpenSSH's format, which carries it in the clear.
 * @throws when it is not an ed25519 key in that format
 */
export function publicKeyOf(privateKey: string): string {
  const blob = Buffer.from(privateKey.replace(/-----[^-]+-----/g, ""), "base64");
  const start = blob.indexOf(sshString(algorithm));
  if (start < 0) throw new Error("no ed25519 key in OpenSSH's format");
  return `${algorithm} ${blob.subarray(start, start + 4 + algorithm.length + 4 + 32).toString("base64")}`;
}
