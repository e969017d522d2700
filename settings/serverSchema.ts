import { z } from "zod";
import { mirrors, platformNames, platforms, type Mirrors, type Platform } from "../platforms";
import { howToGetHostKey, pinnedHostKey } from "./hostKey";
import { ed25519PublicKey, privateKeyPattern } from "./privateKey";
import { cidr, domainPattern, port, setting, wholeNumber } from "./setting";

const ownPrivateKey = () => z.string().refine((text) => ed25519PublicKey(text) !== undefined);

/** Without a user name and password, for it stands in files and previews. */
const url = () => z.string().regex(/^https?:\/\/[\w.-]+(:\d+)?(\/[\w.~%+/-]*)?$/);
const urlAllowed = "a URL (http or https) without a user name and password";

const mirrorSettings = Object.fromEntries(
  Object.entries(mirrors).map(([name, { title, variable, defaults }]: [string, Mirrors]) => [
    name,
    setting(z.array(url()).min(1).optional(), {
      meaning: `Base URLs of ${title}; the first that answers is taken. \`${variable}\` in the environment stands in for them.`,
      allowed: `a list of URLs (http or https) without a user name and password`,
      secret: "accidentally",
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
    secret: "accidentally",
    defaultText: "none",
  }),
  pipIndex: setting(url().optional(), {
    meaning: "Index that pip takes packages from.",
    allowed: urlAllowed,
    secret: "accidentally",
    defaultText: "PyPI",
  }),
};

const kind = <Kind extends string>(name: Kind) =>
  setting(z.literal(name), {
    meaning: "What the server is: a container on this machine, one that you have, or an EC2 instance on AWS.",
    allowed: "one of container, ssh, aws",
    defaultText: "`container`",
  });

const ownLoginKey = setting(ownPrivateKey().optional(), {
  meaning: "Private key to log in with, as a secret (`--secret`).",
  allowed: "an unencrypted ed25519 key in OpenSSH's format (`ssh-keygen -t ed25519 -N ''`)",
  defaultText: "one made for the stack",
  secret: true,
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
  privateKey: ownLoginKey,
});

const address = (whose: string) =>
  setting(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/), {
    meaning: `Name or IP address of ${whose}.`,
    allowed: "a name or an IP address",
    defaultText: "none, it must be given",
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

const user = () => z.string().regex(/^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$/);

const hostKey = (whose: string, howToGet: (values: Readonly<Record<string, unknown>>) => string) =>
  setting(
    z
      .string()
      .refine((text) => pinnedHostKey(text) !== undefined)
      .transform((text) => pinnedHostKey(text) ?? ""),
    {
      meaning: `The host keys that ${whose} identifies itself with; whoever shows another one is refused.`,
      allowed: "what ssh-keyscan prints for it: lines of ADDRESS TYPE KEY",
      defaultText: "none, it must be given",
      missing: (values) => `is missing, and without it anybody in between could be the server: ${howToGet(values)}`,
    },
  );

const scan = (values: Readonly<Record<string, unknown>>, from?: string) =>
  howToGetHostKey(
    typeof values.address === "string" ? values.address : "ADDRESS",
    typeof values.port === "number" ? values.port : 22,
    from,
  );

const ssh = z.strictObject({
  kind: kind("ssh"),
  ...server,
  address: address("the server"),
  ...login("the server"),
  user: setting(user().default("root"), {
    meaning: "User to log in as: root, or one who becomes root with sudo.",
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
      defaultText: "none: sudo asks for none",
      secret: true,
    },
  ),
  hostKey: hostKey("the server", (values) => scan(values, values.bastion === undefined ? undefined : "the bastion")),
  bastion: z
    .strictObject({
      address: address("a server in between, through which the server is reached"),
      ...login("the bastion"),
      user: setting(user().default("root"), {
        meaning: "User to log in to the bastion as.",
        allowed: "a Linux user name",
      }),
      hostKey: hostKey("the bastion", (values) => scan(values)),
    })
    .optional(),
  connectTimeoutSeconds: setting(wholeNumber(1, 300).default(15), {
    meaning: "Seconds that the server, and the bastion, get to answer a connection.",
    allowed: "a whole number from 1 to 300",
  }),
  httpPort: setting(port().default(80), {
    meaning: "TCP port of the address that leads to the server's port 80, where something in between changes it.",
    allowed: "a port from 1 to 65535",
  }),
});

const networks = "a list of networks in CIDR notation, such as 198.51.100.7/32 or 2001:db8::/48";

const aws = z.strictObject({
  kind: kind("aws"),
  ...server,
  region: setting(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/), {
    meaning: "AWS region of the server.",
    allowed: "a region of AWS, such as eu-central-1",
    defaultText: "none, it must be given",
  }),
  sshCidrs: setting(z.array(cidr()).min(1), {
    meaning: "Networks that may log in: your own and that of whatever runs `pulumi up`.",
    allowed: networks,
    defaultText: "none, they must be given",
    missing: () =>
      `is missing, and without it nobody can log in: set it to your own address as ADDRESS/32 (curl -s https://checkip.amazonaws.com)`,
  }),
  sshFromAnywhere: setting(z.boolean().default(false), {
    meaning: "Accept networks as wide as the whole world in `sshCidrs`.",
    allowed: "true or false",
  }),
  webCidrs: setting(z.array(cidr()).default(["0.0.0.0/0", "::/0"]), {
    meaning: "Networks that may ask for pages (ports 80 and 443).",
    allowed: networks,
  }),
  instanceType: setting(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/)
      .default("t3.micro"),
    {
      meaning: "Type of the instance: its processors and memory. A change stops and starts the server.",
      allowed: "a type of EC2, such as t3.micro or t4g.small",
    },
  ),
  amiId: setting(
    z
      .string()
      .regex(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/)
      .optional(),
    {
      meaning: "Image of the server. A change replaces the server and all that is on it.",
      allowed: "the id of an image, such as ami-0123456789abcdef0",
      defaultText: "the platform's newest official one when the server is made; a server keeps its own",
    },
  ),
  user: setting(user().optional(), {
    meaning: "User that the image's cloud-init makes, who becomes root with sudo and without a password.",
    allowed: "a Linux user name",
    defaultText: "that of the platform's official image",
  }),
  subnetId: setting(
    z
      .string()
      .regex(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/)
      .optional(),
    {
      meaning: "Subnet of the server, with a route to an internet gateway; it gets IPv6 if the subnet has it.",
      allowed: "the id of a subnet, such as subnet-0123456789abcdef0",
      defaultText: "one of the default VPC, as AWS chooses",
    },
  ),
  rootVolumeGib: setting(wholeNumber(8, 16384).default(10), {
    meaning: "Size of the root volume (gp3, encrypted) in GiB. It can grow and never shrink.",
    allowed: "a whole number from 8 to 16384",
  }),
  privateKey: ownLoginKey,
  publicKey: setting(
    z
      .string()
      // All begin with their kind and the length of the rest.
      .regex(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}( [^\r\n]*)?$/)
      .optional(),
    {
      meaning: "Public key to log in with, instead of `privateKey`: the private one stays with your ssh-agent.",
      allowed: "a line `ssh-ed25519 AAAA…`, as in id_ed25519.pub",
      defaultText: "the public half of `privateKey`",
    },
  ),
  dnsZone: setting(z.string().max(253).regex(domainPattern).optional(), {
    meaning:
      "Public hosted zone of yours on Route 53, which gets an A record for each domain of the apps (the address that stays is IPv4).",
    allowed: "a domain name, such as example.org",
    defaultText: "none: what names lead to the server is your own business",
  }),
  ssmAccess: setting(z.boolean().default(false), {
    meaning: "A second way in: Amazon's SSM agent, and a role that lets it work.",
    allowed: "true or false",
  }),
  terminationProtection: setting(z.boolean().default(false), {
    meaning: "The server is neither destroyed nor replaced, nor ended in AWS's console, until this is false again.",
    allowed: "true or false",
  }),
  detailedMonitoring: setting(z.boolean().default(false), {
    meaning: "CloudWatch figures every minute, at a price, instead of every five.",
    allowed: "true or false",
  }),
});

/** The kinds of servers, each with its settings; without `kind` it is the first. */
export const serverSchema = z
  .preprocess(
    (value) => (isRecord(value) && value.kind === undefined ? { ...value, kind: "container" } : value),
    z.discriminatedUnion("kind", [container, ssh, aws]),
  )
  .prefault({});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
