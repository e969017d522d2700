/**
 * What an app may not do, in systemd's words, each with the versions of systemd that it is for: an older one would ignore
 * a directive, or drop a value and with it all protection.
 */
const directives: readonly { text: string; from?: number; before?: number }[] = [
  // Only what it is told to write to: on an older systemd all but /usr, /boot and /etc, as far as its user may.
  { text: "ProtectSystem=full", before: 232 },
  { text: "ProtectSystem=strict", from: 232 },
  { text: "ReadWritePaths=-SHARED", from: 232 },
  { text: "ProtectHome=yes" },
  { text: "PrivateTmp=yes" },
  { text: "CapabilityBoundingSet=" },
  // The SELinux policies of older systems keep a process without new privileges from the domain that nginx may talk to,
  // and without it the filters of system calls fail for a user who is not root.
  { text: "NoNewPrivileges=yes", from: 235 },
  { text: "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", from: 235 },
  { text: "RestrictNamespaces=yes", from: 235 },
  { text: "RestrictRealtime=yes", from: 235 },
  { text: "RestrictSUIDSGID=yes", from: 242 },
  { text: "LockPersonality=yes", from: 235 },
  { text: "SystemCallArchitectures=native", from: 235 },
  // Older ones fail where no device nodes can be made, newer ones do without.
  { text: "PrivateDevices=yes", from: 235 },
  { text: "ProtectKernelTunables=yes", from: 235 },
  { text: "ProtectKernelModules=yes", from: 235 },
  { text: "ProtectKernelLogs=yes", from: 244 },
  { text: "ProtectControlGroups=yes", from: 235 },
  { text: "ProtectClock=yes", from: 245 },
  { text: "ProtectHostname=yes", from: 242 },
];

/**
 * The lines of a unit that keep its app from what it has no business with.
 * @param systemd version of the server's systemd
 * @param shared the one folder that the app may write to, besides its own /run and /tmp
 */
export function hardening(systemd: number, shared: string): string[] {
  return directives
    .filter(({ from = 0, before = Infinity }) => from <= systemd && systemd < before)
    .map(({ text }) => text.replace("SHARED", shared));
}
