#!/usr/bin/env bash
# Turns a Debian 12 root file system into a server that accepts logins with a key only.
# Usage: setup.sh ROOT   (ROOT is / inside an image build, the target folder in a mmdebstrap hook)
set -euo pipefail

main() {
  local root=${1%/}

  install -d -m 755 "$root/etc/ssh/sshd_config.d"
  cat > "$root/etc/ssh/sshd_config.d/10-server.conf" <<'EOF'
# Allow keys only, and offer only the stack's host key.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
# Each resource of a deployment opens its own connection, and with the default of 10 sshd drops some of them.
MaxStartups 100:30:200
EOF
  # Each server gets its own host key and machine id when it is made.
  rm -f "$root"/etc/ssh/ssh_host_*
  : > "$root/etc/machine-id"
  install -d -m 700 "$root/root/.ssh"

  # Debian's image prevents packages from starting services; on a server they must start.
  rm -f "$root/usr/sbin/policy-rc.d"
  # Units that need hardware only delay the boot of a container.
  local unit
  for unit in getty.target console-getty.service systemd-udevd.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
}

main "$@"
