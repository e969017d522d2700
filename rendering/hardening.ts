/**
 * Sandboxing directives with the versions of systemd that support them. Older versions ignore an unknown directive, or drop
 * an unknown value and with it all protection (systemd.exec(5)).
 */
const directives: readonly { text: string; from?: number; before?: number }[] = [
  // Makes all but /dev, /proc and /sys read-only. `full` is the strictest older value: /usr, /boot and /etc.
  { text: "ProtectSystem=full", before: 232 },
  { text: "ProtectSystem=strict", from: 232 },
  { text: "ReadWritePaths=-SHARED", from: 232 },
  { text: "ProtectHome=yes" },
  { text: "PrivateTmp=yes" },
  { text: "CapabilityBoundingSet=" },
  // With the SELinux policies of older systems, NoNewPrivileges prevents the transition to the domain that nginx may connect
  // to. Without it, system call filters fail for users other than root.
  { text: "NoNewPrivileges=yes", from: 235 },
  { text: "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", from: 235 },
  { text: "RestrictNamespaces=yes", from: 235 },
  { text: "RestrictRealtime=yes", from: 235 },
  { text: "RestrictSUIDSGID=yes", from: 242 },
  { text: "LockPersonality=yes", from: 235 },
  { text: "SystemCallArchitectures=native", from: 235 },
  // Older versions fail in containers where device nodes cannot be created.
  { text: "PrivateDevices=yes", from: 235 },
  { text: "ProtectKernelTunables=yes", from: 235 },
  { text: "ProtectKernelModules=yes", from: 235 },
  { text: "ProtectKernelLogs=yes", from: 244 },
  { text: "ProtectControlGroups=yes", from: 235 },
  { text: "ProtectClock=yes", from: 245 },
  { text: "ProtectHostname=yes", from: 242 },
];

/**
 * The sandboxing lines of an app's unit.
 * @param systemd version of the server's systemd
 * @param shared the only folder that the app may write to, besides its own /run and /tmp
 */
export function hardening(systemd: number, shared: string): string[] {
  return directives
    .filter(({ from = 0, before = Infinity }) => from <= systemd && systemd < before)
    .map(({ text }) => text.replace("SHARED", shared));
}
