import { z } from "zod";
import { linuxUser, ownLoginKey } from "../../settings/login";
import { commonServerSettings } from "../../settings/serverCommon";
import { cidr, domainPattern, setting, wholeNumber } from "../../settings/setting";

const networks = "a list of networks in CIDR notation, such as 198.51.100.7/32 or 2001:db8::/48";

const networkSettings = {
  sshCidrs: setting(z.array(cidr()).min(1), {
    meaning: "Networks that may log in: your own, and that of the computer that runs `pulumi up`.",
    allowed: networks,
    defaultText: "none, required",
    missing: () => ({
      text: "required, but not set. Without it, no computer can log in.",
      fix: "set it to your own address as ADDRESS/32. To show it, run: curl -s https://checkip.amazonaws.com",
    }),
  }),
  sshFromAnywhere: setting(z.boolean().default(false), {
    meaning: "Allow networks in `sshCidrs` that are as large as the whole internet.",
    allowed: "true or false",
  }),
  webCidrs: setting(z.array(cidr()).default(["0.0.0.0/0", "::/0"]), {
    meaning: "Networks that may open the apps' pages (ports 80 and 443).",
    allowed: networks,
  }),
};

const instanceSettings = {
  instanceType: setting(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/)
      .default("t3.micro"),
    {
      meaning: "Instance type. A change stops and starts the server.",
      allowed: "an EC2 instance type, such as t3.micro or t4g.small",
    },
  ),
  amiId: setting(
    z
      .string()
      .regex(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/)
      .optional(),
    {
      meaning: "Image (AMI) of the server. A change replaces the server and everything on it.",
      allowed: "the id of an image, such as ami-0123456789abcdef0",
      defaultText:
        "the platform's newest official image when the server is created; an existing server keeps its image",
    },
  ),
  user: setting(linuxUser().optional(), {
    meaning: "User that the image's cloud-init creates, who becomes root with sudo and without a password.",
    allowed: "a Linux user name",
    defaultText: "that of the platform's official image",
  }),
  subnetId: setting(
    z
      .string()
      .regex(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/)
      .optional(),
    {
      meaning: "Subnet of the server, with a route to an internet gateway. The server gets IPv6 if the subnet has it.",
      allowed: "the id of a subnet, such as subnet-0123456789abcdef0",
      defaultText: "one of the default VPC, chosen by AWS",
    },
  ),
  rootVolumeGib: setting(wholeNumber(8, 16384).default(10), {
    meaning: "Size of the root volume (gp3, encrypted) in GiB. It can grow, but not shrink.",
    allowed: "a whole number from 8 to 16384",
  }),
};

const keySettings = {
  privateKey: ownLoginKey(),
  publicKey: setting(
    z
      .string()
      // The Base64 of all ed25519 keys begins with their type and the length of the rest.
      .regex(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}( [^\r\n]*)?$/)
      .optional(),
    {
      meaning: "Public key to log in with, in place of `privateKey`: the private key stays in your ssh-agent.",
      allowed: "a line `ssh-ed25519 AAAA…`, as in id_ed25519.pub",
      defaultText: "the public half of `privateKey`",
    },
  ),
};

const accountSettings = {
  dnsZone: setting(z.string().max(253).regex(domainPattern).toLowerCase().optional(), {
    meaning: "Your public hosted zone on Route 53. It gets an A record for each domain of the apps (IPv4 only).",
    allowed: "a domain name, such as example.org",
    defaultText: "none; manage DNS yourself",
  }),
  ssmAccess: setting(z.boolean().default(false), {
    meaning: "Install the Amazon SSM agent, with a role that can only open sessions, as a second way to log in.",
    allowed: "true or false",
  }),
  terminationProtection: setting(z.boolean().default(false), {
    meaning: "Refuse to destroy, replace or terminate the server, also in the AWS console, while this is true.",
    allowed: "true or false",
  }),
  detailedMonitoring: setting(z.boolean().default(false), {
    meaning: "CloudWatch metrics every minute instead of every five, for a fee.",
    allowed: "true or false",
  }),
};

export const awsSchema = z.strictObject({
  kind: z.literal("aws"),
  ...commonServerSettings,
  region: setting(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/), {
    meaning: "AWS region of the server.",
    allowed: "an AWS region, such as eu-central-1",
    defaultText: "none, required",
  }),
  ...networkSettings,
  ...instanceSettings,
  ...keySettings,
  ...accountSettings,
});

export type AwsSettings = z.output<typeof awsSchema>;
