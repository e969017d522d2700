#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Installs packages with apt: install_packages NAME…
# The caller declares package_config_file.

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]
}

missing_packages() {
  local name
  for name; do
    is_installed "$name" || printf '%s\n' "$name"
  done
}

# Installs the missing packages and verifies that they are installed.
install_packages() {
  local missing unknown=() name
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return 0; fi
  say "packages: installing ${missing//$'\n'/ }"
  # apt reads it in addition to the server's own configuration.
  [[ ! -e $package_config_file ]] || export APT_CONFIG=$package_config_file
  quietly "Completing an interrupted installation" dpkg --configure -a --force-confold
  quietly "Reading the package lists" apt-get update --quiet -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300
  for name in $missing; do
    apt-cache show "$name" > /dev/null 2>&1 || unknown+=("$name")
  done
  if ((${#unknown[@]} > 0)); then
    fail "The package ${unknown[*]} does not exist." \
      "correct the name in apps.APP.packages or in the platform's description. To look it up: apt-cache search NAME"
  fi
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive quietly "Installing packages" apt-get install --yes --quiet --no-install-recommends \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then
    fail "The command apt-get reported success, but these packages are not installed: ${missing//$'\n'/ }." \
      "replace each virtual package by the package that provides it. To look it up: apt-cache show NAME"
  fi
}

# apt's lists and packages belong to the server.
forget_downloads() { :; }

# Whether a configuration file is unmodified. Arguments: FILE PACKAGE
is_as_packaged() {
  local path md5
  while read -r path md5 _; do
    if [[ $path == "$1" ]]; then
      md5sum --status --check <<< "$md5  $1"
      return
    fi
  done < <(dpkg-query --show --showformat='${Conffiles}\n' "$2")
  return 1
}
