#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Looks that the server is what the settings say. Its callers have: title, id, version_id, architectures (a list of words)

# Where a deployment writes.
written_folders=(/etc /opt /usr /var)

# Runs before anything is changed.
require_system() {
  local found found_id found_version architecture folder
  # shellcheck source=/dev/null
  found=$(. /etc/os-release && printf '%s\t%s\t%s' "${PRETTY_NAME:-unknown}" "${ID:-}" "${VERSION_ID:-}") || found=$'a system without /etc/os-release\t\t'
  IFS=$'\t' read -r found found_id found_version <<< "$found"
  architecture=$(uname -m)
  if [[ $found_id != "$id" || $found_version != "$version_id" ]]; then
    fail "this server runs $found, but the settings say $title; nothing was changed" \
      "Set server.platform to what the server runs, or take another server."
  fi
  if [[ " $architectures " != *" $architecture "* ]]; then
    fail "this server is a $architecture machine, but $title is supported on $architectures; nothing was changed"
  fi
  for folder in "${written_folders[@]}"; do
    [[ -w $folder ]] || fail "$folder on this server cannot be written to: $(find_mount "$folder"); nothing was changed" \
      "Mount it for writing (mount -o remount,rw), then run up again."
  done
}

find_mount() { findmnt --noheadings --output TARGET,FSTYPE,OPTIONS --target "$1"; }
