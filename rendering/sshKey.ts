import { createHash } from "node:crypto";
import { ed25519Blob, ed25519Point, ed25519PublicKey, opensshStart, sshString } from "../settings/privateKey";

export interface SshKeyPair {
  /** In OpenSSH's format (PROTOCOL.key), unencrypted. */
  privateKey: string;
  /** `ssh-ed25519 BASE64` as in authorized_keys and known_hosts. */
  publicKey: string;
}

/**
 * The ed25519 key pair of a seed. The same seed always gives the same text, so that previews show no change. Libraries put
 * random check bytes into the private key's text (PROTOCOL.key in OpenSSH), so none is used.
 * @param seed 32 random bytes
 */
export function ed25519KeyPair(seed: Buffer): SshKeyPair {
  if (seed.length !== 32) throw new Error(`An ed25519 seed has 32 bytes, not ${seed.length}.`);
  const point = ed25519Point(seed);
  const publicBlob = ed25519Blob(point);
  const check = createHash("sha256").update("check").update(seed).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, publicBlob, sshString(Buffer.concat([seed, point])), sshString("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const blob = Buffer.concat([opensshStart, sshString(publicBlob), sshString(Buffer.concat([secret, padding]))]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  const pem = ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
  return { privateKey: pem, publicKey: `ssh-ed25519 ${publicBlob.toString("base64")}` };
}

/**
 * The public key of a private key from the settings.
 * @throws if it is not a complete, unencrypted ed25519 key in OpenSSH's format
 */
export function publicKeyOf(privateKey: string): string {
  const publicKey = ed25519PublicKey(privateKey);
  if (publicKey === undefined) throw new Error("The key is not an ed25519 key in OpenSSH's format.");
  return publicKey;
}
