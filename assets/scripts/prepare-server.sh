#!/usr/bin/env bash
# Looks that the server is what the settings say and nobody else's, then installs what every app needs: the first step,
# which all others wait for, so a server that is another one is left as it was. Or gives the server back.
# Usage: up|down NAME=VALUE…
#   architectures, own_files, package_keys, packages, selinux_packages and room (FOLDER=MEGABYTES) are lists of words
#   package_config and ca_certificates are the texts of the files named beside them; empty: there is no such file

main() {
  local stack='' own_files='' packages='' selinux_packages='' room=''
  # shellcheck disable=SC2034 # a part has use for them
  local title='' id='' version_id='' architectures='' package_config_file='' package_config='' package_keys=''
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
  require_own_server "$stack" "$own_files"
  if selinux_is_enabled; then packages+=" $selinux_packages"; fi
  # shellcheck disable=SC2086 # one word a package
  missing=$(missing_packages $packages)
  if [[ -n $missing ]] || ! is_server_claimed; then require_room; fi
  lock packages 900
  # Again, for a run that was cut off may have been at work here meanwhile.
  require_own_server "$stack" "$own_files"
  if ! is_server_claimed; then
    undo_on_failure
    claim_server "$stack"
  fi
  configure_packages
  # Before the packages, for mirrors may need them; and after, for the tool that takes them in may be a package.
  trust_certificates
  if [[ -n $missing ]]; then
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
  forget_downloads
  # shellcheck disable=SC2034
  package_config=''
  configure_packages
  leave_server "$stack"
}

# A disk that runs full half-way is worse than a refusal. Folders on the same file system need their room together.
require_room() {
  local pair other disk folders needed free
  for pair in $room; do
    disk=$(stat --format %d "${pair%%=*}")
    folders='' needed=0
    for other in $room; do
      if [[ $(stat --format %d "${other%%=*}") == "$disk" ]]; then
        folders+="${folders:+, }${other%%=*}"
        ((needed += ${other#*=}))
      fi
    done
    free=$(df --output=avail --block-size=M "${pair%%=*}" | tail -n 1 | tr -dc 0-9)
    if ((free < needed)); then
      fail "the server's disk is full: $free MB are left for $folders, and $needed MB are needed; nothing was changed" \
        "Free some space (df -h), then run up again."
    fi
  done
}
