import { z } from "zod";
import { linuxUser } from "../../settings/login";
import { privateKeyPattern } from "../../settings/privateKey";
import { commonServerSettings } from "../../settings/serverCommon";
import { port, setting, wholeNumber } from "../../settings/setting";
import { howToGetHostKey, pinnedHostKey } from "./hostKey";

type Values = Readonly<Record<string, unknown>>;

const address = (whose: string) =>
  setting(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/), {
    meaning: `Name or IP address of ${whose}.`,
    allowed: "a name or an IP address",
    defaultText: "none, required",
  });

const login = (whose: string) => ({
  port: setting(port().default(22), {
    meaning: `TCP port of ${whose}'s sshd.`,
    allowed: "a port from 1 to 65535",
  }),
  privateKey: setting(z.string().regex(privateKeyPattern).optional(), {
    meaning: `Private key to log in to ${whose} with, as a secret.`,
    allowed: "a private key in OpenSSH's or PEM format, with all its lines",
    defaultText: "the keys of your ssh-agent",
    secret: true,
  }),
  privateKeyPassphrase: setting(z.string().min(1).optional(), {
    meaning: "Passphrase of that key, as a secret.",
    allowed: "a text",
    defaultText: "none: the key is not encrypted",
    secret: true,
  }),
});

const hostKey = (whose: string, howToGet: (siblings: Values) => string) =>
  setting(
    z
      .string()
      .refine((text) => pinnedHostKey(text) !== undefined)
      .transform((text) => pinnedHostKey(text) ?? ""),
    {
      meaning: `The host keys that identify ${whose}; a connection to a server with any other key is refused.`,
      allowed: "the output of ssh-keyscan: lines of ADDRESS TYPE KEY",
      defaultText: "none, required",
      missing: (siblings) => ({
        text: "required, but not set. Without it, a man-in-the-middle could impersonate the server.",
        fix: howToGet(siblings),
      }),
    },
  );

const scan = ({ address, port }: Values, from?: string) =>
  howToGetHostKey(typeof address === "string" ? address : "ADDRESS", typeof port === "number" ? port : 22, from);

const bastionSchema = z.strictObject({
  address: address("the bastion, a server that the connection goes through"),
  ...login("the bastion"),
  user: setting(linuxUser().default("root"), {
    meaning: "User to log in to the bastion as.",
    allowed: "a Linux user name",
  }),
  hostKey: hostKey("the bastion", (siblings) => scan(siblings)),
});

export const sshSchema = z.strictObject({
  kind: z.literal("ssh"),
  ...commonServerSettings,
  address: address("the server"),
  ...login("the server"),
  user: setting(linuxUser().default("root"), {
    meaning: "User to log in as: root, or a user who becomes root with sudo.",
    allowed: "a Linux user name",
  }),
  sudoPassword: setting(
    z
      .string()
      .regex(/^[^\r\n]+$/)
      .optional(),
    {
      meaning: "Password that sudo asks the user for, as a secret.",
      allowed: "a text on one line",
      defaultText: "none: sudo does not ask for one",
      secret: true,
    },
  ),
  hostKey: hostKey("the server", (siblings) =>
    scan(siblings, siblings.bastion === undefined ? undefined : "the bastion"),
  ),
  bastion: bastionSchema.optional(),
  connectTimeoutSeconds: setting(wholeNumber(1, 300).default(15), {
    meaning: "Seconds to wait for a connection to the server, and to the bastion.",
    allowed: "a whole number from 1 to 300",
  }),
  httpPort: setting(port().default(80), {
    meaning: "TCP port of the address that leads to the server's port 80, if a router or proxy in between changes it.",
    allowed: "a port from 1 to 65535",
  }),
});

export type SshSettings = z.output<typeof sshSchema>;
