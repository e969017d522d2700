#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Packages on Debian: install_packages NAME…
# Its callers have: package_config_file

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]
}

missing_packages() {
  local name
  for name; do
    is_installed "$name" || printf '%s\n' "$name"
  done
}

# Installs what is missing and looks afterwards whether it is there.
install_packages() {
  local missing unknown=() name
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return 0; fi
  say "packages: installing ${missing//$'\n'/ }"
  # Read beside the server's own configuration.
  [[ ! -e $package_config_file ]] || export APT_CONFIG=$package_config_file
  # Mends what a killed run left half done.
  quietly "completing an interrupted installation" dpkg --configure -a --force-confold
  quietly "reading the package lists" apt-get update --quiet -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300
  for name in $missing; do
    apt-cache show "$name" > /dev/null 2>&1 || unknown+=("$name")
  done
  if ((${#unknown[@]} > 0)); then
    fail "there is no such package: ${unknown[*]}" \
      "Packages come from the settings 'apps.APP.packages' and from the platform's description; look the name up with: apt-cache search NAME"
  fi
  # shellcheck disable=SC2086 # one word a package
  DEBIAN_FRONTEND=noninteractive quietly "installing packages" apt-get install --yes --quiet --no-install-recommends \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then
    fail "apt-get reported success, yet these packages are not installed: ${missing//$'\n'/ }" \
      "A package that only stands for others (apt-cache show NAME) is none: name the one that it means."
  fi
}

# apt's lists and packages are the server's own.
forget_downloads() { :; }

# Whether a configuration file is still the package's own. Arguments: FILE PACKAGE
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
