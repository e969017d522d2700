/** @typedef {{ pattern: RegExp, whatToDo: (stack: string) => string }} Hint */

/** What AWS refuses, by the codes of its API. @type {Hint[]} */
const aws = [
  {
    pattern:
      /No valid credential sources found|ExpiredToken|RequestExpired|InvalidClientTokenId|SSO session has expired/,
    whatToDo: () =>
      "AWS does not know who you are. Log in (`aws sso login`), or set AWS_PROFILE; `aws sts get-caller-identity` shows who you are.\n" +
      "If it does, look at this machine's clock: AWS takes no request that is minutes off.",
  },
  {
    pattern: /AuthFailure/,
    whatToDo: () =>
      "AWS does not know who you are, or the account has not opted in to the region of server.region: `aws sts get-caller-identity` shows the one, `aws account list-regions` the other.",
  },
  {
    pattern: /UnauthorizedOperation|AccessDenied/,
    whatToDo: () => "Your role on AWS lacks a permission: docs/aws.md has the policies for deploying and previewing.",
  },
  {
    pattern: /VcpuLimitExceeded|AddressLimitExceeded|InstanceLimitExceeded/,
    whatToDo: () =>
      "A quota of the account is used up in this region: free something there, or ask for more (Service Quotas in the console).",
  },
  {
    pattern: /InsufficientInstanceCapacity/,
    whatToDo: (stack) =>
      "AWS has none of these machines left in this zone at the moment: try again later, or set server.instanceType or server.subnetId (a subnet in another zone).\n" +
      `A server that was there may be stopped now: npm run up -- ${stack} --refresh starts it.`,
  },
  {
    pattern: /\bUnsupported: .*Availability Zone/,
    whatToDo: (stack) =>
      "The zone of the server's subnet has no machines of this type: set server.instanceType to another, or server.subnetId to a subnet in another zone (which makes another server).\n" +
      `A server that was there may be stopped now: npm run up -- ${stack} --refresh starts it.`,
  },
  {
    pattern: /OptInRequired/,
    whatToDo: () =>
      "The image is sold on the AWS Marketplace, and this account has not accepted its terms: accept them there, or set server.amiId to another image.",
  },
  {
    // The engine's words; AWS's where somebody has protected it by hand.
    pattern: /marked for protection|because it is protected|disableApiTermination|OperationNotPermitted/,
    whatToDo: (stack) =>
      `The server is protected, and a replacement would end it too. To end it all the same: set server.terminationProtection to false, npm run up -- ${stack}, then this command again.`,
  },
  {
    pattern: /InvalidKeyPair\.Duplicate|InvalidGroup\.Duplicate/,
    whatToDo: (stack) =>
      `An interrupted run has left something of this name. \`npm run up -- ${stack}\` once more takes another name; remove the old one in the console.`,
  },
  {
    pattern: /DependencyViolation/,
    whatToDo: () =>
      "Something else on AWS uses it, a server in the stack's security group say: `aws ec2 describe-network-interfaces --filters Name=group-id,Values=GROUP` shows what. Give that another group, then run the same command again.",
  },
  {
    pattern: /RequestLimitExceeded|Throttling/,
    whatToDo: () =>
      "AWS takes no more requests from this account for the moment: wait a minute and run the same command again.",
  },
  {
    pattern: /no matching Route ?53 Hosted Zone|HostedZoneNotFound|NoSuchHostedZone/i,
    whatToDo: () =>
      "The zone of server.dnsZone is not in this account: set it to one of `aws route53 list-hosted-zones`, or leave it out.",
  },
  {
    pattern: /VPCIdNotSpecified|MissingInput.*subnet|No default VPC/i,
    whatToDo: () =>
      "This region has no default VPC: set server.subnetId to a public subnet, or `aws ec2 create-default-vpc`.",
  },
];

/**
 * What to do about a failure that the engine or a plugin reports in its own words. A script of this project says that
 * itself, so these are the words of others only.
 *
 * @type {Hint[]}
 */
const table = [
  {
    // A server on this machine: a container.
    pattern: /dial tcp (127\.0\.0\.1|\[::1\]):\d+: .*(refused|timeout|reset)/,
    whatToDo: (stack) =>
      `The container does not answer. 'npm start -- ${stack}' starts one that was stopped.\n` +
      `If it is beyond repair, this makes it, and all that is on it, again: ${makeHostAgain(stack)}`,
  },
  {
    // Not what a container engine says of its registry: Get "https://…": dial tcp: …
    pattern:
      /(?<!": )dial tcp(?! (127\.0\.0\.1|\[::1\]):).*: .*(refused|timeout|reset|unreachable|no route|no such host)/,
    whatToDo: () =>
      "The server does not answer: is it on, and do its address, its port and the firewalls between let SSH through?\n" +
      "On AWS: server.sshCidrs must hold the address that this machine comes from (curl -4 -s https://checkip.amazonaws.com).",
  },
  {
    pattern: /host key mismatch|knownhosts: key mismatch/,
    whatToDo: (stack) =>
      "Another server answers at this address, or somebody in between: nothing was sent to it. Find out why before anything else.\n" +
      "Or server.hostKey holds only some of the server's keys: give all that ssh-keyscan prints.\n" +
      `If it is a container whose key was changed on purpose, this makes it again: ${makeHostAgain(stack)}`,
  },
  {
    pattern: /ssh: unable to authenticate/,
    whatToDo: (stack) =>
      "The server, or the bastion after 'proxy:', does not take the key: put it into the user's ~/.ssh/authorized_keys there.\n" +
      "On AWS: each system's image has a user of its own (docs/aws.md has their names). Set server.platform to what server.amiId is, or server.user to the image's user.\n" +
      `A container can be made again instead, with all that is on it: ${makeHostAgain(stack)}`,
  },
  {
    pattern: /x509: decryption password incorrect/,
    whatToDo: () =>
      "The passphrase is not that of the private key: set server.privateKeyPassphrase (or that of server.bastion).",
  },
  {
    pattern: /proxy: .*ssh: rejected: /,
    whatToDo: () =>
      "The bastion does not let through: it must allow it (sshd_config there: AllowTcpForwarding) and reach server.address.",
  },
  {
    pattern: /sudo: .*(incorrect password|a password is required)|not in the sudoers file/,
    whatToDo: () =>
      "sudo on the server does not let the user become root any more: see server.user and server.sudoPassword.",
  },
  {
    pattern: /dial unix .*: connect: /,
    whatToDo: () => "SSH_AUTH_SOCK names an ssh-agent that does not answer: start one, or: unset SSH_AUTH_SOCK",
  },
  {
    pattern: /bind\(\) to \S+ failed \(98|address already in use|port is already allocated/i,
    whatToDo: () =>
      "A port is taken: 'ss -ltnp' shows by whom. A container's ports on this machine are the settings server.httpPort and server.sshPort.",
  },
  {
    pattern: /no space left on device|ENOSPC|disk quota exceeded/i,
    whatToDo: () => "A disk is full: 'df -h', here and on the server, shows which. Free some space there.",
  },
  ...aws,
  {
    pattern: /invalid YAML file/,
    whatToDo: (stack) => `The file is Pulumi.${stack}.yaml, and the line is counted in it.`,
  },
];

/**
 * Everything on a host hangs on its identity, so replacing the host alone replaces all of it.
 * @param {string} stack
 */
export function makeHostAgain(stack) {
  return `npm run up -- ${stack} --replace '**command:local:Command::server'`;
}

/**
 * @param {string} diagnostics what the engine has reported
 * @param {string} stack
 * @returns {string[]}
 */
export function hints(diagnostics, stack) {
  return table.filter(({ pattern }) => pattern.test(diagnostics)).map(({ whatToDo }) => whatToDo(stack));
}
