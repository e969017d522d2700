import { z } from "zod";
import { ed25519PublicKey } from "./privateKey";
import { setting } from "./setting";

export const linuxUser = () => z.string().regex(/^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$/);

/** The login key of a server that the stack creates: the public half is derived from it, so it must be readable. */
export const ownLoginKey = () =>
  setting(
    z
      .string()
      .refine((text) => ed25519PublicKey(text) !== undefined)
      .optional(),
    {
      meaning: "Private key to log in with, as a secret (`--secret`).",
      allowed: "an unencrypted ed25519 key in OpenSSH's format (`ssh-keygen -t ed25519 -N ''`)",
      defaultText: "a key that the stack creates",
      secret: true,
    },
  );
