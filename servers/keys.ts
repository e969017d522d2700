import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ed25519KeyPair, publicKeyOf } from "../rendering/sshKey";

/** A key pair that the stack creates. */
export interface StackKey {
  privateKey: pulumi.Output<string>;
  publicKey: pulumi.Output<string>;
}

/** A key to log in with. Without the private key, the user's ssh-agent has it. */
export interface LoginKey {
  publicKey: pulumi.Input<string>;
  privateKey?: pulumi.Output<string>;
}

/**
 * Creates a key pair that stays the same as long as the stack and the keepers do. It is derived from a secret in the
 * stack's state: a RandomPassword, because the id of RandomBytes is its value, and ids are never secret.
 * @param keepers a change of any of these creates another key. Default: none
 */
export function createKey(
  name: string,
  opts: pulumi.CustomResourceOptions,
  keepers?: Record<string, pulumi.Input<string>>,
): StackKey {
  // 64 letters and digits have more entropy than the 256 bits of a seed.
  const { result } = new random.RandomPassword(name, { length: 64, special: false, keepers }, opts);
  const pair = pulumi.secret(result).apply((text) => ed25519KeyPair(createHash("sha256").update(text).digest()));
  return { privateKey: pair.privateKey, publicKey: pulumi.unsecret(pair.publicKey) };
}

/** The user's own key, from either half of it, or else one that the stack creates. */
export function loginKey(
  name: string,
  { privateKey, publicKey }: { privateKey?: string; publicKey?: string },
  opts: pulumi.CustomResourceOptions,
): LoginKey {
  if (privateKey !== undefined) return { publicKey: publicKeyOf(privateKey), privateKey: pulumi.secret(privateKey) };
  return publicKey === undefined ? createKey(name, opts) : { publicKey };
}
