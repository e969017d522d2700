#!/usr/bin/env bash
# Looks that the host is what the settings say and nobody else's, then installs what every app needs: the first step,
# which all others wait for, so a host that is another one is left as it was. Or gives the host back.
# Usage: up|down NAME=VALUE…
#   architectures, own_files, key_packages, packages and selinux_packages are lists of words
#   package_config and ca_certificates are the texts of the files named beside them; empty: there is no such file

main() {
  local stack='' own_files='' key_packages='' packages='' selinux_packages=''
  # shellcheck disable=SC2034 # a part has use for them
  local title='' id='' version_id='' architectures='' package_config_file='' package_config=''
  # shellcheck disable=SC2034
  local ca_file='' ca_update='' ca_bundle='' ca_certificates=''
  local action=$1
  shift
  parameters "$@"
  if [[ $action == down ]]; then lock packages 600; fi
  "$action"
}

up() {
  local missing
  require_system
  require_own_host "$stack" "$own_files"
  if selinux_is_enabled; then packages+=" $selinux_packages"; fi
  # shellcheck disable=SC2086 # one word a package
  missing=$(missing_packages $key_packages $packages)
  if [[ -n $missing ]] || ! is_host_claimed; then require_room; fi
  lock packages 900
  # Again, for a run that was cut off may have been at work here meanwhile.
  require_own_host "$stack" "$own_files"
  if ! is_host_claimed; then
    undo_on_failure
    claim_host "$stack"
  fi
  configure_packages
  # Before the packages, for mirrors may need them; and after, for the tool that takes them in may be a package.
  trust_certificates
  if [[ -n $missing ]]; then
    # shellcheck disable=SC2086
    install_packages $key_packages
    # shellcheck disable=SC2086
    install_packages $packages
    trust_certificates
  fi
  open_services http https
}

# Packages stay: others may have come to need them.
down() {
  close_services
  disallow_nginx
  # shellcheck disable=SC2034
  ca_certificates=''
  trust_certificates
  # shellcheck disable=SC2034
  package_config=''
  configure_packages
  leave_host "$stack"
}

# Packages and a compiled uWSGI take some 300 MB; a disk that runs full half-way is worse than a refusal.
require_room() {
  local folder free
  for folder in /opt /usr /var; do
    free=$(df --output=avail --block-size=M "$folder" | tail -n 1 | tr -dc 0-9)
    if ((free < 300)); then
      fail "the server's disk is full: $folder has $free MB left, 300 MB are needed; nothing was changed" \
        "Free some space (df -h), then run up again."
    fi
  done
}
