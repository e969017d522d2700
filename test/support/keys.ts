import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KeyPair {
  readonly private: string;
  /** As authorized_keys and known_hosts have it, without a comment. */
  readonly public: string;
}

/** A new key as users make theirs; ed25519, without a passphrase unless `flags` of ssh-keygen give one. */
export function makeKey(...flags: string[]): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "key-"));
  try {
    const file = join(folder, "key");
    const passphrase = flags.includes("-N") ? [] : ["-N", ""];
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-C", "", "-f", file, ...passphrase, ...flags]);
    return { private: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8").trim() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
