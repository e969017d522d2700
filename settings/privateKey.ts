/** The beginnings of private keys that the command plugin reads (Go's ParsePrivateKey). */
export const privateKeyPattern = /^-----BEGIN (OPENSSH |RSA |EC )?PRIVATE KEY-----\n/;

/** Whether a private key can only be read with its passphrase. */
export function isEncrypted(privateKey: string): boolean {
  if (!privateKey.startsWith("-----BEGIN OPENSSH")) return privateKey.includes("\nProc-Type: 4,ENCRYPTED");
  // PROTOCOL.key: "openssh-key-v1", a zero byte, then the cipher's name with its length in four bytes.
  const start = "openssh-key-v1\0\0\0\0\x04none";
  const blob = Buffer.from(privateKey.replace(/-----[^-]+-----/g, ""), "base64");
  return blob.subarray(0, start.length).toString("latin1") !== start;
}
