#!/usr/bin/env bash
# Turns a container that only runs systemd into a server: installs and configures sshd. Its host key is already in place.
# Parameters: NAME=VALUE… as in prepare-server.sh

main() {
  # shellcheck disable=SC2034 # used by the parts
  local package_config_file='' package_config='' package_key='' package_key_file='' ca_file='' ca_update='' ca_bundle='' ca_certificates=''
  # shellcheck disable=SC2034
  local title='' id='' version_id='' architectures=''
  local packages=''
  parameters "$@"
  require_system
  wait_for_boot
  configure_packages
  trust_certificates
  # shellcheck disable=SC2086 # a list of words
  install_packages $packages
  configure_sshd
  start_sshd
}

# Until then systemd refuses commands, and empties /tmp (tmpfiles.d(5), the line `D /tmp`).
wait_for_boot() {
  wait_for 60 systemctl is-active --quiet sysinit.target ||
    fail "The container's system does not boot." "use another image with server.image." "$(systemctl list-jobs 2>&1)"
}

# Allows keys only, and offers only the stack's host key. sshd uses the first value of each option in the file.
configure_sshd() {
  local file=/etc/ssh/sshd_config
  {
    printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'PasswordAuthentication no' 'ChallengeResponseAuthentication no' \
      'PermitRootLogin prohibit-password' \
      '# Each resource of a deployment opens its own connection, and with the default of 10 sshd drops some of them.' \
      'MaxStartups 100:30:200'
    sed -e '/^HostKey /d' -e '/^MaxStartups /d' "$file"
  } > "$file.new"
  mv -fT "$file.new" "$file"
  # A container may not set the login uid, and sshd would end every session at once.
  sed -i 's/^\(session *\)required\( *pam_loginuid\.so\)/\1optional\2/' /etc/pam.d/sshd
  chown -R root:root /root/.ssh /etc/ssh/ssh_host_ed25519_key
  chmod 600 /root/.ssh/authorized_keys /etc/ssh/ssh_host_ed25519_key
}

# Enables sshd as well, because an image may have it disabled.
start_sshd() {
  local unit=sshd.service
  # Its name on Debian.
  if systemctl cat ssh.service > /dev/null 2>&1; then unit=ssh.service; fi
  quietly "Enabling sshd" systemctl enable "$unit"
  # The system may still be booting.
  wait_for 30 systemctl restart "$unit" ||
    fail "The container's sshd does not start." "use another image with server.image." "$(systemctl status "$unit" 2>&1)"
}
