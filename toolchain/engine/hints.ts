interface Hint {
  readonly pattern: RegExp;
  readonly fix: (stack: string) => string;
}

const identity = "log in to AWS (`aws sso login`) or set AWS_PROFILE; `aws sts get-caller-identity` shows who you are";
const restart = (stack: string) =>
  `If the server was stopped for the change, npm run up -- ${stack} --refresh starts it.`;

/** By the error codes of the AWS API. */
const awsHints: readonly Hint[] = [
  {
    pattern:
      /No valid credential sources found|ExpiredToken|RequestExpired|InvalidClientTokenId|SSO session has expired/,
    fix: () => `${identity}. Check your computer's clock too: AWS rejects requests that are minutes off.`,
  },
  {
    pattern: /AuthFailure/,
    fix: () =>
      `${identity}. Or opt in to the region of server.region: \`aws account list-regions\` shows those of the account.`,
  },
  {
    pattern: /UnauthorizedOperation|AccessDenied/,
    fix: () => "add the missing permission to your AWS role; docs/aws.md has policies for deploying and previewing.",
  },
  {
    pattern: /VcpuLimitExceeded|AddressLimitExceeded|InstanceLimitExceeded/,
    fix: () => "free resources of the AWS account in this region, or request a higher quota (Service Quotas).",
  },
  {
    pattern: /InsufficientInstanceCapacity/,
    fix: (stack) =>
      `try again later, or set server.instanceType or server.subnetId (a subnet in another zone): AWS has no capacity for this instance type in this zone. ${restart(stack)}`,
  },
  {
    pattern: /\bUnsupported: .*Availability Zone/,
    fix: (stack) =>
      `set server.instanceType to a type that this zone offers, or server.subnetId to a subnet in another zone (which replaces the server). ${restart(stack)}`,
  },
  {
    pattern: /OptInRequired/,
    fix: () =>
      "accept the terms of the image on the AWS Marketplace with this account, or set server.amiId to another image.",
  },
  {
    // The engine's words, and those of AWS if the protection was enabled by hand.
    pattern: /marked for protection|because it is protected|disableApiTermination|OperationNotPermitted/,
    fix: (stack) =>
      `to terminate the protected server, set server.terminationProtection to false, run npm run up -- ${stack}, then run this command again.`,
  },
  {
    pattern: /InvalidKeyPair\.Duplicate|InvalidGroup\.Duplicate/,
    fix: (stack) =>
      `run npm run up -- ${stack} again, which takes another name, and delete what an interrupted command left in the AWS console.`,
  },
  {
    pattern: /DependencyViolation/,
    fix: () =>
      "move whatever still uses the security group to another one, then run the same command again: `aws ec2 describe-network-interfaces --filters Name=group-id,Values=GROUP` lists it.",
  },
  {
    pattern: /RequestLimitExceeded|Throttling/,
    fix: () => "wait a minute and run the same command again: AWS limits this account's requests.",
  },
  {
    pattern: /no matching Route ?53 Hosted Zone|HostedZoneNotFound|NoSuchHostedZone/i,
    fix: () => "set server.dnsZone to a zone of this account (`aws route53 list-hosted-zones`), or remove it.",
  },
  {
    pattern: /VPCIdNotSpecified|MissingInput.*subnet|No default VPC/i,
    fix: () => "set server.subnetId to a public subnet, or run: aws ec2 create-default-vpc",
  },
];

/** Fixes for errors of the engine, its plugins and what they call. The project's own scripts say theirs themselves. */
const table: readonly Hint[] = [
  {
    // A server on your computer: a container.
    pattern: /dial tcp (127\.0\.0\.1|\[::1\]):\d+: .*(refused|timeout|reset)/,
    fix: (stack) =>
      `start the stopped container with npm start -- ${stack}, or replace it and everything on it: ${replaceServer(stack)}`,
  },
  {
    // Not a container engine's error about its registry: Get "https://…": dial tcp: …
    pattern:
      /(?<!": )dial tcp(?! (127\.0\.0\.1|\[::1\]):).*: .*(refused|timeout|reset|unreachable|no route|no such host)/,
    fix: () =>
      "check that the server is on, its address and SSH port, and the firewalls in between. On AWS, add the address of your computer (curl -4 -s https://checkip.amazonaws.com) to server.sshCidrs.",
  },
  {
    pattern: /host key mismatch|knownhosts: key mismatch/,
    fix: (stack) =>
      `find out why the server's host key has changed before you continue: another server answers at this address, or a man in the middle. If server.hostKey has only some of the server's keys, set it to all that ssh-keyscan prints. If it is a container whose key was changed on purpose, replace it: ${replaceServer(stack)}`,
  },
  {
    pattern: /ssh: unable to authenticate/,
    fix: (stack) =>
      `add the login key to ~/.ssh/authorized_keys of the user on the server (after 'proxy:', on the bastion). On AWS, set server.platform to the system of server.amiId, or server.user to the image's user (docs/aws.md). A container can be replaced instead, with everything on it: ${replaceServer(stack)}`,
  },
  {
    pattern: /x509: decryption password incorrect/,
    fix: () => "set server.privateKeyPassphrase (or that of server.bastion) to the passphrase of the private key.",
  },
  {
    pattern: /proxy: .*ssh: rejected: /,
    fix: () =>
      "allow TCP forwarding in the bastion's sshd_config (AllowTcpForwarding), and check that the bastion can reach server.address.",
  },
  {
    pattern: /sudo: .*(incorrect password|a password is required)|not in the sudoers file/,
    fix: () => "check server.user and server.sudoPassword: sudo on the server rejected the user.",
  },
  {
    pattern: /dial unix .*: connect: /,
    fix: () => "start the ssh-agent that SSH_AUTH_SOCK names, or run: unset SSH_AUTH_SOCK",
  },
  {
    pattern: /bind\(\) to \S+ failed \(98|address already in use|port is already allocated/i,
    fix: () =>
      "free the port (`ss -ltnp` shows the program that uses it), or for a container on your computer set server.httpPort or server.sshPort.",
  },
  {
    pattern: /no space left on device|ENOSPC|disk quota exceeded/i,
    fix: () => "free disk space on your computer or on the server: `df -h` shows which disk is full.",
  },
  ...awsHints,
  {
    pattern: /invalid YAML file/,
    fix: (stack) => `correct the named line of Pulumi.${stack}.yaml.`,
  },
];

/** Everything on a server depends on its identity, so replacing the server replaces everything. */
export function replaceServer(stack: string): string {
  return `npm run up -- ${stack} --replace '**command:local:Command::server'`;
}

/** What to do about the errors that the engine has reported. */
export function hints(reported: string, stack: string): string[] {
  return table.filter(({ pattern }) => pattern.test(reported)).map(({ fix }) => fix(stack));
}
