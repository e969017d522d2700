#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Checks that the server is what the settings say.
# The caller declares title, id, version_id and architectures (a list of words).

# Folders that a deployment writes to.
written_folders=(/etc /opt /usr /var)

# A preflight check: it changes nothing.
require_system() {
  local found found_id found_version architecture folder
  # shellcheck source=/dev/null
  found=$(. /etc/os-release && printf '%s\t%s\t%s' "${PRETTY_NAME:-unknown}" "${ID:-}" "${VERSION_ID:-}") || found=$'a system without /etc/os-release\t\t'
  IFS=$'\t' read -r found found_id found_version <<< "$found"
  architecture=$(uname -m)
  if [[ $found_id != "$id" || $found_version != "$version_id" ]]; then
    fail "This server runs $found, but the settings say $title. Nothing was changed." \
      "set server.platform to what the server runs, or use another server."
  fi
  if [[ " $architectures " != *" $architecture "* ]]; then
    fail "This server's architecture is $architecture, but $title is supported on $architectures. Nothing was changed." \
      "use a server with a supported architecture."
  fi
  for folder in "${written_folders[@]}"; do
    [[ -w $folder ]] || fail "The folder $folder on this server is not writable: $(find_mount "$folder"). Nothing was changed." \
      "make it writable (mount -o remount,rw), then deploy again."
  done
}

find_mount() { findmnt --noheadings --output TARGET,FSTYPE,OPTIONS --target "$1"; }
