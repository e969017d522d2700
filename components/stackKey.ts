import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ed25519KeyPair } from "../rendering/sshKey";

/**
 * A key pair that stays the same for the life of the stack, from a secret in its state. A password, not RandomBytes:
 * that one's id, which is never secret, is its value.
 * @param keepers a change of any of these makes another key. Default: none
 */
export function makeKey(
  name: string,
  opts: pulumi.CustomResourceOptions,
  keepers?: Record<string, pulumi.Input<string>>,
): { privateKey: pulumi.Output<string>; publicKey: pulumi.Output<string> } {
  // 64 letters and digits hold more than the 256 bits of a seed.
  const { result } = new random.RandomPassword(name, { length: 64, special: false, keepers }, opts);
  const pair = pulumi.secret(result).apply((text) => ed25519KeyPair(createHash("sha256").update(text).digest()));
  return { privateKey: pair.privateKey, publicKey: pulumi.unsecret(pair.publicKey) };
}
