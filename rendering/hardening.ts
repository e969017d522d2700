import type { AppSettings } from "../settings/apps";
import type { Limits } from "../settings/limits";

/**
 * A line of a unit and the versions of systemd that get it. Older versions ignore a directive that they do not know, or drop
 * an unknown value and with it all protection (systemd.exec(5)).
 */
interface Directive {
  text: string;
  from?: number;
  before?: number;
}

function lines(systemd: number, directives: readonly Directive[]): string[] {
  return directives
    .filter(({ from = 0, before = Infinity }) => from <= systemd && systemd < before)
    .map(({ text }) => text);
}

/** Addresses of the instance metadata service, which gives a server's credentials to whoever asks. */
const metadata = { iptables: "169.254.169.254", ip6tables: "fd00:ec2::254" };

/**
 * What keeps a user from the instance metadata service, or lets it in again. Older versions have no such directive, so each
 * start adds or removes a rule.
 */
function accessToMetadata(user: string, allowed: boolean): Directive[] {
  const rules = Object.entries(metadata).map(([tool, address]) => {
    const rule = (action: string) =>
      `${tool} -w -${action} OUTPUT -d ${address} -m owner --uid-owner ${user} -j REJECT`;
    const command = allowed ? rule("D") : `${rule("C")} || ${rule("I")}`;
    return { text: `ExecStartPre=-/bin/sh -c '${command}'`, before: 235 };
  });
  const denied = { text: `IPAddressDeny=${metadata.iptables}/32 ${metadata.ip6tables}/128`, from: 235 };
  return [...(allowed ? [] : [denied]), { text: "PermissionsStartOnly=yes", before: 235 }, ...rules];
}

/**
 * Not used, though each would lower the exposure that `systemd-analyze security` prints: PrivateNetwork and a closed
 * IPAddressDeny (apps talk to databases), MemoryDenyWriteExecute (cffi and JIT compilers need such memory), ProcSubset=pid
 * (psutil and others read /proc/meminfo), RootDirectory and TemporaryFileSystem (in a container that may not
 * mount, systemd leaves out the other lines, but does not start a unit with these), and UMask=0077 (an app's own group may read its files).
 */
const sandbox: readonly Directive[] = [
  // Makes all but /dev, /proc and /sys read-only. `full` is the strictest older value: /usr, /boot and /etc.
  { text: "ProtectSystem=full", before: 232 },
  { text: "ProtectSystem=strict", from: 232 },
  // Some of the lines below leave it writable otherwise.
  { text: "ReadOnlyPaths=/run", from: 232 },
  { text: "ProtectHome=yes" },
  { text: "PrivateTmp=yes" },
  { text: "CapabilityBoundingSet=" },
  // With the SELinux policies of older systems, NoNewPrivileges prevents the transition to the domain that nginx may connect
  // to. Without it, system call filters fail for users other than root.
  { text: "NoNewPrivileges=yes", from: 235 },
  // What setuid programs would write to for the app, and where it would run later, outside the sandbox.
  { text: "InaccessibleDirectories=-/var/spool/cron -/var/spool/at", before: 235 },
  { text: "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", from: 235 },
  { text: "RestrictNamespaces=yes", from: 235 },
  { text: "RestrictRealtime=yes", from: 235 },
  { text: "RestrictSUIDSGID=yes", from: 242 },
  { text: "LockPersonality=yes", from: 235 },
  { text: "SystemCallArchitectures=native", from: 235 },
  { text: "SystemCallFilter=@system-service", from: 235 },
  { text: "SystemCallFilter=~@privileged @resources", from: 235 },
  // An error instead of the end of the process.
  { text: "SystemCallErrorNumber=EPERM", from: 235 },
  // Older versions fail in containers where device nodes cannot be created.
  { text: "PrivateDevices=yes", from: 235 },
  { text: "DevicePolicy=closed" },
  { text: "PrivateIPC=yes", from: 248 },
  { text: "RemoveIPC=yes", from: 232 },
  // Also gives a server in a container the right to make the mounts of the rest.
  { text: "PrivateUsers=yes", from: 235 },
  { text: "PrivateMounts=yes", from: 239 },
  { text: "ProtectKernelTunables=yes", from: 235 },
  { text: "ProtectKernelModules=yes", from: 235 },
  { text: "ProtectKernelLogs=yes", from: 244 },
  { text: "ProtectControlGroups=yes", from: 235 },
  { text: "ProtectClock=yes", from: 245 },
  { text: "ProtectHostname=yes", from: 242 },
  { text: "ProtectProc=invisible", from: 247 },
];

export interface Sandbox {
  /** The unit's user. */
  user: string;
  /** The only folders that it may write to, besides its own /tmp. */
  writable: readonly string[];
  /** Whether it may reach the instance metadata service. */
  instanceMetadata?: boolean;
}

/**
 * The sandboxing lines of a unit.
 * @param systemd version of the server's systemd
 */
export function hardening(systemd: number, { user, writable, instanceMetadata = false }: Sandbox): string[] {
  const folders = writable.map((folder) => ({ text: `ReadWritePaths=-${folder}`, from: 232 }));
  return lines(systemd, [...sandbox, ...folders, ...accessToMetadata(user, instanceMetadata)]);
}

/** The lines of a unit with which an app cannot starve others. */
export function limits(
  systemd: number,
  { memory, tasks, openFiles, fileSize, logLines }: Limits & { tasks: number },
): string[] {
  return lines(systemd, [
    { text: `MemoryLimit=${memory ?? "1G"}`, before: 231 },
    { text: `MemoryMax=${memory ?? "75%"}`, from: 231 },
    // Only the process that is killed ends, and uWSGI starts another worker. The default stops the app.
    { text: "OOMPolicy=continue", from: 243 },
    { text: `TasksMax=${tasks}` },
    { text: `LimitNOFILE=${openFiles}` },
    // Older versions know only bytes.
    { text: `LimitFSIZE=${bytes(fileSize)}` },
    { text: "LimitCORE=0" },
    // Each unit gets the same share of the processor, however many processes it has.
    { text: "CPUShares=1024", before: 232 },
    { text: "CPUWeight=100", from: 232 },
    { text: "LogRateLimitIntervalSec=30s", from: 240 },
    { text: `LogRateLimitBurst=${logLines}`, from: 240 },
  ]);
}

function bytes(size: string): number {
  return Number.parseInt(size) * 1024 ** (size.endsWith("G") ? 3 : 2);
}

/** The limits of an app, with those that depend on its other settings. */
export function limitsOf({ limits, processes }: Pick<AppSettings, "limits" | "processes">): Limits & { tasks: number } {
  return { ...limits, tasks: limits.tasks ?? Math.max(512, 4 * processes) };
}

/**
 * The command that reloads uWSGI. Each command of a unit with PrivateUsers= is in a namespace of its own, from which it could
 * not send the signal. Older versions, which have no such namespaces, ignore a line with the prefix.
 */
export function reloadCommand(systemd: number): string {
  return `${systemd >= 235 ? "+" : ""}/bin/kill -HUP $MAINPID`;
}

/** The lines of a unit, by section, with which systemd never gives up to start a service. Its default is five times in ten seconds. */
export function retries(systemd: number): Record<"unit" | "service" | "socket", string[]> {
  return {
    unit: lines(systemd, [{ text: "StartLimitIntervalSec=0", from: 230 }]),
    service: lines(systemd, [{ text: "StartLimitInterval=0", before: 230 }]),
    socket: lines(systemd, [{ text: "TriggerLimitIntervalSec=0", from: 230 }]),
  };
}
