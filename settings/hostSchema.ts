import { z } from "zod";
import { mirrors, platformNames, platforms, type Mirrors, type Platform } from "../platforms";
import { port, setting } from "./setting";

const privateKey = () => z.string().regex(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);

/** Without a user name and password, for it stands in files and previews. */
const url = () => z.string().regex(/^https?:\/\/[\w.-]+(:\d+)?(\/[\w.~%+/-]*)?$/);
const urlAllowed = "a URL (http or https) without a user name and password";

const mirrorSettings = Object.fromEntries(
  Object.entries(mirrors).map(([name, { title, variable, defaults }]: [string, Mirrors]) => [
    name,
    setting(z.array(url()).min(1).optional(), {
      meaning: `Base URLs of ${title}; the first that answers is taken. \`${variable}\` in the environment stands in for them.`,
      allowed: `a list of URLs (http or https) without a user name and password`,
      secret: true,
      defaultText: defaults.map((it) => `\`${it}\``).join(", "),
    }),
  ]),
);

const rootFilesystemVariables = Object.values(platforms).flatMap(
  ({ container }: Platform) => container.rootFilesystemVariable ?? [],
);

const [exampleImage] = Object.values(platforms).flatMap(({ container }: Platform) => container.image ?? []);

/** What every server has, whatever its kind. */
const server = {
  platform: setting(z.enum(platformNames).default(platformNames[0]), {
    meaning: "Operating system of the server; any other is refused before anything is changed.",
    allowed: `one of ${platformNames.join(", ")}`,
  }),
  caCertificates: setting(z.string().min(1).optional(), {
    meaning: "PEM file on this machine with CA certificates that the server shall trust, also for pip.",
    allowed: "the path of a PEM file",
    defaultText: "what `SSL_CERT_FILE` names, if it is set, beyond the usual CAs",
  }),
  mirrors: z.strictObject(mirrorSettings).prefault({}),
  proxy: setting(url().optional(), {
    meaning: "HTTP proxy that the server's packages and pip's come through.",
    allowed: urlAllowed,
    // A password that is there in spite of that.
    secret: true,
    defaultText: "none",
  }),
  pipIndex: setting(url().optional(), {
    meaning: "Index that pip takes packages from.",
    allowed: urlAllowed,
    // A password that is there in spite of that.
    secret: true,
    defaultText: "PyPI",
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
  image: setting(
    z
      .string()
      .regex(/^[a-z0-9][\w./:@-]*$/)
      .optional(),
    {
      meaning: "Image with systemd that the container is made from; what it lacks of a server (sshd) is installed.",
      allowed: `a reference that the container engine can pull${exampleImage ? `, such as ${exampleImage}` : ""}`,
      defaultText: "one that `npm start` makes, where the platform has one",
    },
  ),
  rootFilesystem: setting(z.string().min(1).optional(), {
    meaning: `Root file system in place of an image. ${rootFilesystemVariables.map((it) => `\`${it}\``).join(", ")} in the environment stands in for it and for the image.`,
    allowed: "the path of a tar archive or of a folder",
    defaultText: "none",
  }),
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
