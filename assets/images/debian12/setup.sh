#!/usr/bin/env bash
# Turns a fresh Debian 12 root file system into a server that one can only log in to with a key.
# Usage: setup.sh ROOT   (ROOT is / inside an image build, the target folder in a mmdebstrap hook)
set -euo pipefail

main() {
  local root=${1%/}

  install -d -m 755 "$root/etc/ssh/sshd_config.d"
  cat > "$root/etc/ssh/sshd_config.d/10-server.conf" <<'EOF'
# Keys only, and one host key: the one that the stack makes and pins.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
# Every resource of a deployment dials for itself; the default of 10 drops some of them at random.
MaxStartups 100:30:200
EOF
  # Each server gets its own key and identity when it is made, never the image's.
  rm -f "$root"/etc/ssh/ssh_host_*
  : > "$root/etc/machine-id"
  install -d -m 700 "$root/root/.ssh"

  # Debian's image keeps packages from starting services; on a server they must start.
  rm -f "$root/usr/sbin/policy-rc.d"
  # What a container has no hardware for only delays its boot.
  local unit
  for unit in getty.target console-getty.service systemd-udevd.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
}

main "$@"
