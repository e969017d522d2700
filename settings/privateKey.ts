import { createPrivateKey, createPublicKey } from "node:crypto";

/** Private keys that the command plugin can read (ParsePrivateKey of golang.org/x/crypto/ssh), first to last line. */
export const privateKeyPattern =
  /^-----BEGIN ((?:OPENSSH |RSA |EC )?PRIVATE KEY)-----\n[A-Za-z0-9+/=:,\- \n]+\n-----END \1-----\n*$/;

/** Whether a private key needs a passphrase. */
export function isEncrypted(privateKey: string): boolean {
  if (!privateKey.startsWith("-----BEGIN OPENSSH")) return privateKey.includes("\nProc-Type: 4,ENCRYPTED");
  // "openssh-key-v1", a zero byte, then the cipher's name after its length in four bytes, see
  // https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
  const start = "openssh-key-v1\0\0\0\0\x04none";
  return blobOf(privateKey).subarray(0, start.length).toString("latin1") !== start;
}

const algorithm = "ssh-ed25519";
/** DER of a PKCS#8 ed25519 private key up to its 32 bytes of seed (RFC 8410). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** The 32 bytes of the public key that belongs to a seed. */
export function ed25519Point(seed: Buffer): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

/** A string as SSH encodes it: its length in four bytes, then its bytes (RFC 4251). */
export function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The public half of an ed25519 key as SSH encodes it. */
export function ed25519Blob(point: Buffer): Buffer {
  return Buffer.concat([sshString(algorithm), sshString(point)]);
}

/** Beginning of an unencrypted key in OpenSSH's format (PROTOCOL.key), up to its public half. */
export const opensshStart = Buffer.concat([
  Buffer.from("openssh-key-v1\0"),
  sshString("none"),
  sshString("none"),
  sshString(""),
  Buffer.from([0, 0, 0, 1]),
]);

/**
 * The public half, as `ssh-ed25519 BASE64`, of a private key; undefined unless it is a complete, unencrypted ed25519 key in
 * OpenSSH's format.
 */
export function ed25519PublicKey(privateKey: string): string | undefined {
  if (!privateKeyPattern.test(privateKey)) return undefined;
  const blob = blobOf(privateKey);
  const publicLength = sshString(ed25519Blob(Buffer.alloc(32))).length;
  const [start, publicHalf, rest] = [
    blob.subarray(0, opensshStart.length),
    blob.subarray(opensshStart.length, opensshStart.length + publicLength),
    blob.subarray(opensshStart.length + publicLength),
  ];
  const secret = rest.subarray(4);
  if (!start.equals(opensshStart) || secret.length < 8 || rest.readUInt32BE() !== secret.length) return undefined;
  // Two equal check numbers, the public half once more, then the seed with the point.
  const seedAt = 8 + ed25519Blob(Buffer.alloc(32)).length + 4;
  const seed = secret.subarray(seedAt, seedAt + 32);
  if (seed.length < 32) return undefined;
  const point = ed25519Point(seed);
  const expected = Buffer.concat([ed25519Blob(point), sshString(Buffer.concat([seed, point]))]);
  const isWhole =
    publicHalf.equals(sshString(ed25519Blob(point))) &&
    secret.subarray(0, 4).equals(secret.subarray(4, 8)) &&
    secret.subarray(8, 8 + expected.length).equals(expected);
  return isWhole ? `${algorithm} ${ed25519Blob(point).toString("base64")}` : undefined;
}

function blobOf(privateKey: string): Buffer {
  return Buffer.from(privateKey.replace(/-----[^-]+-----/g, ""), "base64");
}
