#!/usr/bin/env bash
# Looks that the host is what the settings say and nobody else's, then installs what every app needs: the first step,
# which all others wait for, so a host that is another one is left as it was. Or gives the host back.
# Usage: up|down NAME=VALUE…
#   architectures, own_files and packages are lists of words
#   ca_certificates is the text of ca_file; empty: there is no such file

main() {
  local title='' id='' version_id='' architectures='' stack='' own_files='' packages=''
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
  # shellcheck disable=SC2086 # one word a package
  missing=$(missing_packages $packages)
  if [[ -n $missing ]] || ! is_host_claimed; then require_room; fi
  lock packages 600
  # Again, for a run that was cut off may have been at work here meanwhile.
  require_own_host "$stack" "$own_files"
  if ! is_host_claimed; then
    undo_on_failure
    claim_host "$stack"
  fi
  # Before the packages, for mirrors may need them; and after, for the tool that takes them in may be a package.
  trust_certificates
  if [[ -n $missing ]]; then
    # shellcheck disable=SC2086
    install_packages $packages
    trust_certificates
  fi
}

# Packages stay: others may have come to need them.
down() {
  ca_certificates=''
  trust_certificates
  leave_host "$stack"
}

# Makes the server trust these certificates and no others of ours.
trust_certificates() {
  if [[ -z $ca_certificates ]]; then
    [[ -e $ca_file ]] || return 0
    rm -f "$ca_file"
    # Debian's update leaves its links to a file that is gone.
    find "$(dirname "$ca_bundle")" -maxdepth 1 -type l -lname "$ca_file" -delete
  else
    install -d -m 755 "$(dirname "$ca_file")"
    install -m 644 <(printf '%s' "$ca_certificates") "$ca_file"
  fi
  if command -v "$ca_update" > /dev/null; then quietly "updating the CA certificates" "$ca_update"; fi
}

# Runs before anything is changed.
require_system() {
  local found found_id found_version architecture folder
  # shellcheck source=/dev/null
  found=$(. /etc/os-release && printf '%s\t%s\t%s' "${PRETTY_NAME:-unknown}" "${ID:-}" "${VERSION_ID:-}") || found=$'a system without /etc/os-release\t\t'
  IFS=$'\t' read -r found found_id found_version <<< "$found"
  architecture=$(uname -m)
  if [[ $found_id != "$id" || $found_version != "$version_id" ]]; then
    fail "this server runs $found, but the settings say $title; nothing was changed" \
      "Set host.platform to what the server runs, or take another server."
  fi
  if [[ " $architectures " != *" $architecture "* ]]; then
    fail "this server is a $architecture machine, but $title is supported on $architectures; nothing was changed"
  fi
  for folder in /etc /opt /usr /var; do
    [[ -w $folder ]] || fail "$folder on this server cannot be written to: $(find_mount "$folder"); nothing was changed" \
      "Mount it for writing (mount -o remount,rw), then run up again."
  done
}

find_mount() { findmnt --noheadings --output TARGET,FSTYPE,OPTIONS --target "$1"; }

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
