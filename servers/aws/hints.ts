import type { Hint } from "../hint";

const restart = (stack: string) =>
  `    If the server was running before, it may be stopped now: npm run up -- ${stack} --refresh starts it.`;

/** Failures of the SSH connection. */
const connection: readonly Hint[] = [
  {
    pattern: /(?<!": )dial tcp.*: .*(refused|timeout|reset|unreachable|no route|no such host)/,
    hint: () =>
      "The server does not respond.\n" +
      "Fix: check that the instance is running, and that server.sshCidrs contains the address of your computer (curl -4 -s https://checkip.amazonaws.com).",
  },
  {
    pattern: /host key mismatch|knownhosts: key mismatch/,
    hint: () =>
      "Another server responds at the server's address. Nothing was sent to it.\n" +
      "Fix: find out why first, because this may be a man-in-the-middle.",
  },
  {
    pattern: /ssh: unable to authenticate/,
    hint: () =>
      "The server rejected the login key. Each system's image has its own login user (docs/aws.md lists them).\n" +
      "Fix: set server.platform to the system of server.amiId, or server.user to the image's user.",
  },
];

/** Errors of the AWS API by their codes, see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const api: readonly Hint[] = [
  {
    pattern:
      /No valid credential sources found|ExpiredToken|RequestExpired|InvalidClientTokenId|SSO session has expired/,
    hint: () =>
      "AWS rejected your credentials.\n" +
      "Fix: log in (`aws sso login`), or set AWS_PROFILE, until `aws sts get-caller-identity` succeeds.\n" +
      "    If it does already, correct your computer's clock: AWS rejects requests that are minutes off.",
  },
  {
    pattern: /AuthFailure/,
    hint: () =>
      "AWS rejected your credentials, or the account has not enabled the region of server.region.\n" +
      "Fix: check the credentials with `aws sts get-caller-identity`, and the region with `aws account list-regions`.",
  },
  {
    pattern: /UnauthorizedOperation|AccessDenied/,
    hint: () => "Your role on AWS lacks a permission.\nFix: attach the policies in docs/aws.md.",
  },
  {
    pattern: /VcpuLimitExceeded|AddressLimitExceeded|InstanceLimitExceeded/,
    hint: () =>
      "A quota of the AWS account is used up in this region.\n" +
      "Fix: delete something there, or request a higher quota (Service Quotas in the console).",
  },
  {
    pattern: /InsufficientInstanceCapacity/,
    hint: (stack) =>
      "AWS has no capacity left for this instance type in this availability zone.\n" +
      "Fix: try again later, or change server.instanceType or server.subnetId (to a subnet in another zone).\n" +
      restart(stack),
  },
  {
    pattern: /\bUnsupported: .*Availability Zone/,
    hint: (stack) =>
      "The availability zone of the server's subnet does not offer this instance type.\n" +
      "Fix: change server.instanceType, or server.subnetId (to a subnet in another zone, which replaces the server).\n" +
      restart(stack),
  },
  {
    pattern: /OptInRequired/,
    hint: () =>
      "The image is sold on the AWS Marketplace, and this account has not accepted its terms.\n" +
      "Fix: accept the terms there, or set server.amiId to another image.",
  },
  {
    // In the engine's words, or in AWS's if it was protected in the console.
    pattern: /marked for protection|because it is protected|disableApiTermination|OperationNotPermitted/,
    hint: (stack) =>
      "The server is protected, and a replacement would terminate it too.\n" +
      `Fix: set server.terminationProtection to false, run npm run up -- ${stack}, then run this command again.`,
  },
  {
    pattern: /InvalidKeyPair\.Duplicate|InvalidGroup\.Duplicate/,
    hint: (stack) =>
      "An interrupted run has left a resource with this name.\n" +
      `Fix: run: npm run up -- ${stack}\n` +
      "    It uses another name. Delete the old resource in the console.",
  },
  {
    pattern: /DependencyViolation/,
    hint: () =>
      "Another resource on AWS still uses this one, such as a server in the stack's security group.\n" +
      "Fix: find it with `aws ec2 describe-network-interfaces --filters Name=group-id,Values=GROUP`, give it another group, then run the command again.",
  },
  {
    pattern: /RequestLimitExceeded|Throttling/,
    hint: () =>
      "AWS accepts no more requests from this account for the moment.\nFix: wait a minute and run the command again.",
  },
  {
    pattern: /no matching Route ?53 Hosted Zone|HostedZoneNotFound|NoSuchHostedZone/i,
    hint: () =>
      "The zone of server.dnsZone is not in this account.\n" +
      "Fix: set it to one that `aws route53 list-hosted-zones` lists, or remove it.",
  },
  {
    pattern: /VPCIdNotSpecified|MissingInput.*subnet|No default VPC/i,
    hint: () =>
      "This region has no default VPC.\n" +
      "Fix: set server.subnetId to a public subnet, or run: aws ec2 create-default-vpc",
  },
];

export const awsHints: readonly Hint[] = [...connection, ...api];
