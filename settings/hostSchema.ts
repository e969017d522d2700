import { z } from "zod";
import { platformNames } from "../platforms";
import { port, setting } from "./setting";

const privateKey = () => z.string().regex(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);

/** What every server has, whatever its kind. */
const server = {
  platform: setting(z.enum(platformNames).default("debian12"), {
    meaning: "Operating system of the server; any other is refused before anything is changed.",
    allowed: `one of ${platformNames.join(", ")}`,
  }),
  caCertificates: setting(z.string().min(1).optional(), {
    meaning: "PEM file on this machine with CA certificates that the server shall trust, also for pip.",
    allowed: "the path of a PEM file",
    defaultText: "what `SSL_CERT_FILE` names, if it is set, beyond the usual CAs",
  }),
};

const kind = <Kind extends string>(name: Kind) =>
  setting(z.literal(name), {
    meaning: "What the server is: a container on this machine.",
    allowed: "container",
    defaultText: "`container`",
  });

const container = z.strictObject({
  kind: kind("container"),
  ...server,
  httpPort: setting(port().default(8080), {
    meaning: "TCP port on 127.0.0.1 of this machine that leads to the server's port 80.",
    allowed: "a port from 1 to 65535",
  }),
  sshPort: setting(port().default(2222), {
    meaning: "TCP port on 127.0.0.1 of this machine that leads to the server's sshd.",
    allowed: "a port from 1 to 65535",
  }),
  privateKey: setting(privateKey().optional(), {
    meaning: "Private key to log in with, as a secret (`--secret`).",
    allowed: "an unencrypted ed25519 key in OpenSSH's format (`ssh-keygen -t ed25519 -N ''`)",
    defaultText: "one made for the stack",
    secret: true,
  }),
});

/** The kinds of servers, each with its settings; without `kind` it is the first. */
export const hostSchema = z
  .preprocess(
    (value) => (isRecord(value) && value.kind === undefined ? { ...value, kind: "container" } : value),
    z.discriminatedUnion("kind", [container]),
  )
  .prefault({});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
