#!/usr/bin/env bash
# Looks that the host is what the settings say, then installs what every app needs.
# Parameters: NAME=VALUE… (architectures and packages are lists of words;
#   trust_store_update is the command that takes in extra CA certificates, empty where there are none)

main() {
  local title='' id='' version_id='' architectures='' packages='' trust_store_update=''
  parameters "$@"
  require_system
  lock packages 600
  # shellcheck disable=SC2086 # one word a package
  install_packages $packages
  if [[ -n $trust_store_update ]]; then quietly "taking in the extra CA certificates" "$trust_store_update"; fi
}

# Runs before anything is changed.
require_system() {
  local found found_id found_version architecture
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
}
