#!/usr/bin/env bash
# Makes a server of a container that runs systemd and little else: sshd, with the key that is there already.
# Parameters: NAME=VALUE… as in prepare-server.sh

main() {
  # shellcheck disable=SC2034 # a part has use for them
  local package_config_file='' package_config='' package_keys='' ca_file='' ca_update='' ca_bundle='' ca_certificates=''
  # shellcheck disable=SC2034
  local title='' id='' version_id='' architectures=''
  local packages=''
  parameters "$@"
  require_system
  configure_packages
  trust_certificates
  # shellcheck disable=SC2086 # one word a package
  install_packages $packages
  configure_sshd
  start_sshd
}

# Keys only, and one host key: the one that the stack makes and pins. What stands first in the file counts.
configure_sshd() {
  local file=/etc/ssh/sshd_config
  {
    printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'PasswordAuthentication no' 'ChallengeResponseAuthentication no' \
      'PermitRootLogin prohibit-password' \
      '# Every resource of a deployment dials for itself; the default of 10 drops some of them at random.' \
      'MaxStartups 100:30:200'
    sed -e '/^HostKey /d' -e '/^MaxStartups /d' "$file"
  } > "$file.new"
  mv -fT "$file.new" "$file"
  # In a container nobody may set it, and sshd would end every session at once.
  sed -i 's/^\(session *\)required\( *pam_loginuid\.so\)/\1optional\2/' /etc/pam.d/sshd
  chown -R root:root /root/.ssh /etc/ssh/ssh_host_ed25519_key
  chmod 600 /root/.ssh/authorized_keys /etc/ssh/ssh_host_ed25519_key
}

# Now and at every boot: an image may have it without that.
start_sshd() {
  local unit=sshd.service
  # Debian's name for it.
  if systemctl cat ssh.service > /dev/null 2>&1; then unit=ssh.service; fi
  quietly "enabling sshd" systemctl enable "$unit"
  # The system may still be booting.
  wait_for 30 systemctl restart "$unit" || fail "sshd does not start: $(systemctl status "$unit" 2>&1 | tail -n 5)"
}
