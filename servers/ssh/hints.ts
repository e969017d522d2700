import type { Hint } from "../hint";

export const sshHints: readonly Hint[] = [
  {
    // Not what a container engine reports about its registry: Get "https://…": dial tcp: …
    pattern: /(?<!": )dial tcp.*: .*(refused|timeout|unreachable|no route|no such host)/,
    hint: () =>
      "The server does not respond.\n" +
      "Fix: check that it is running, that server.address and server.port are right, and that the firewalls in between allow SSH. " +
      "If other steps did connect, a firewall limits SSH connections: see docs/existing-server.md.",
  },
  {
    pattern: /(?<!": )(dial tcp|ssh: handshake failed:).* (connection reset by peer|EOF)/,
    hint: () =>
      "The server breaks off new SSH connections, as where a firewall (ufw limit) or sshd (MaxStartups) limits them.\n" +
      "Fix: lift the limit for the address that you deploy from, as docs/existing-server.md shows, then deploy again.",
  },
  {
    pattern: /host key mismatch|knownhosts: key mismatch/,
    hint: () =>
      "The server has another host key than server.hostKey. Nothing was sent to it.\n" +
      "Fix: find out why first, because this may be a man-in-the-middle. Then set server.hostKey to all lines that ssh-keyscan prints.",
  },
  {
    pattern: /ssh: unable to authenticate/,
    hint: () =>
      "The server, or the bastion if 'proxy:' precedes the error, rejected the login key.\n" +
      "Fix: add its public key to the user's ~/.ssh/authorized_keys there.",
  },
  {
    pattern: /x509: decryption password incorrect/,
    hint: () =>
      "The passphrase does not fit the private key.\n" +
      "Fix: set server.privateKeyPassphrase, or server.bastion.privateKeyPassphrase.",
  },
  {
    pattern: /proxy: .*ssh: rejected: /,
    hint: () =>
      "The bastion refused to forward the connection.\n" +
      "Fix: allow TCP forwarding in its sshd_config (AllowTcpForwarding), and check that it can reach server.address.",
  },
  {
    pattern: /sudo: .*(incorrect password|a password is required)|not in the sudoers file/,
    hint: () =>
      "The user can no longer become root with sudo.\n" +
      "Fix: check server.user, server.sudoPassword and the sudoers file on the server.",
  },
];
