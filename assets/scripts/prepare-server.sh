#!/usr/bin/env bash
# Runs preflight checks, claims the server and installs what every app needs; or gives the server back.
# It is the first step and all others wait for it, so a server that fails the checks is not changed.
# Usage: up|down NAME=VALUE…
#   architectures, own_files, package_keys, packages, selinux_packages and disk_space (FOLDER=MEGABYTES) are lists of words
#   package_config and ca_certificates are the texts of the files named beside them; if empty, there is no such file

main() {
  local stack='' own_files='' packages='' selinux_packages='' disk_space=''
  # shellcheck disable=SC2034 # used by the parts
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
  # shellcheck disable=SC2086 # a list of words
  missing=$(missing_packages $packages)
  if [[ -n $missing ]] || ! is_server_claimed; then require_disk_space; fi
  lock packages 900
  # Checked again, because an interrupted run may have claimed the server while this one waited for the lock.
  require_own_server "$stack" "$own_files"
  if ! is_server_claimed; then
    undo_on_failure
    claim_server "$stack"
  fi
  configure_packages
  # Mirrors may need the certificates. The tool that installs them may be a package itself, so this is repeated below.
  trust_certificates
  if [[ -n $missing ]]; then
    # shellcheck disable=SC2086
    install_packages $packages
    trust_certificates
  fi
  open_services http https
}

# Packages stay, because other software may depend on them by then.
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
  unclaim_server "$stack"
}

# The needs of folders on the same file system are added up.
require_disk_space() {
  local pair other disk folders needed free
  for pair in $disk_space; do
    disk=$(stat --format %d "${pair%%=*}")
    folders='' needed=0
    for other in $disk_space; do
      if [[ $(stat --format %d "${other%%=*}") == "$disk" ]]; then
        folders+="${folders:+, }${other%%=*}"
        ((needed += ${other#*=}))
      fi
    done
    free=$(df --output=avail --block-size=M "${pair%%=*}" | tail -n 1 | tr -dc 0-9)
    if ((free < needed)); then
      fail "The server's disk is full: $free MB are free for $folders, and $needed MB are needed. Nothing was changed." \
        "free some disk space (df -h), then deploy again."
    fi
  done
}
