#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Installs packages with apt: install_packages NAME…
# The caller declares package_config_file.

lock_attempts=60
lock_pause=5

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
  with_apt "Completing an interrupted installation" dpkg --configure -a --force-confold
  with_apt "Reading the package lists" apt-get update --quiet -o Acquire::Retries=3
  for name in $missing; do
    apt-cache show "$name" > /dev/null 2>&1 || unknown+=("$name")
  done
  if ((${#unknown[@]} > 0)); then
    fail "The package ${unknown[*]} does not exist." \
      "correct the name in apps.APP.packages or in the platform's description. To look it up: apt-cache search NAME"
  fi
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive with_apt "Installing packages" apt-get install --yes --quiet --no-install-recommends \
    -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then
    fail "The command apt-get reported success, but these packages are not installed: ${missing//$'\n'/ }." \
      "replace each virtual package by the package that provides it. To look it up: apt-cache show NAME"
  fi
}

# Runs apt-get or dpkg after any other one has ended, such as unattended-upgrades. apt's own option for that does not wait for
# the lock of the package lists, and dpkg has none. Arguments: WHAT COMMAND…
with_apt() {
  local what=$1 output attempt holder
  shift
  for ((attempt = 1; ; attempt++)); do
    if run_silently "$@"; then return 0; fi
    holder=$(lock_holder <<< "$output")
    if [[ -z $holder ]]; then fail_with_output "$what" "$output" "$@"; fi
    if ((attempt >= lock_attempts)); then
      fail "Another program has been using apt on this server for $((lock_attempts * lock_pause)) seconds: $holder." \
        "wait until it ends, or stop it, then deploy again."
    fi
    # A line now and then, because a silent connection may be dropped on its way.
    if ((attempt % 3 == 1)); then say "packages: waiting for $holder"; fi
    sleep "$lock_pause"
  done
}

# Prints who holds a lock according to the output of apt-get or dpkg on stdin, or nothing.
lock_holder() {
  local output pid
  output=$(cat)
  grep --quiet --extended-regexp 'Could not get lock|lock was locked by another process|is locked by another process' <<< "$output" || return 0
  pid=$(sed -n -E 's/.*(held by process|by another process with pid) ([0-9]+).*/\2/p' <<< "$output" | head -n 1)
  printf 'process %s (%s)' "${pid:-unknown}" "$(tr '\0' ' ' < "/proc/${pid:-0}/cmdline" 2> /dev/null || true)"
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
