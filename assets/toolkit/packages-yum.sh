#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Installs packages with yum: install_packages NAME…
# The caller declares package_config_file, and package_key and package_key_file: the key of third-party packages, and the file
# in which the server may have it already. They are empty if there are no such packages.

yum_attempts=3
lock_attempts=60
lock_pause=5

# Asks for providers, because for example python2-pip provides python-pip.
missing_packages() {
  local name
  for name; do
    rpm --query --quiet --whatprovides "$name" > /dev/null 2>&1 || printf '%s\n' "$name"
  done
}

# Installs the missing packages and verifies that they are installed: yum exits with 0 even if some names do not exist.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return 0; fi
  say "packages: installing ${missing//$'\n'/ }"
  import_system_key
  install_key
  # shellcheck disable=SC2086 # a list of words
  with_yum install $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then fail_unknown "${missing//$'\n'/ }"; fi
}

# Installs the key of third-party packages next to the configuration. It comes with this project, unless the server trusts
# it already.
install_key() {
  local key
  key=$(installed_key)
  if [[ -s $package_key_file ]]; then
    install_file "$package_key_file" "$key"
  elif [[ -n $package_key ]]; then
    printf '%s' "$package_key" > "$key.text"
    install_file "$key.text" "$key"
    rm -f "$key.text"
  fi
}

installed_key() { printf '%s/%s' "$(dirname "$package_config_file")" "${package_key_file##*/}"; }

# Removes the key and yum's data about this project's repositories. The server's own data stays.
forget_downloads() {
  [[ -z $package_key_file ]] || rm -f "$(installed_key)"
  rm -rf /var/cache/yum/uwsgi-nginx
  [[ ! -d /var/lib/yum/repos ]] || find /var/lib/yum/repos -mindepth 3 -maxdepth 3 -name 'uwsgi-nginx-*' -exec rm -rf {} +
}

# Architectures other than x86_64 have a second system key, which the configuration does not name.
import_system_key() {
  local key
  key=/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7-$(uname -m)
  [[ ! -f $key ]] || quietly "Importing the key $key" rpm --import "$key"
}

# Runs yum and ends the script if it fails. Arguments: COMMAND ARGUMENT…
with_yum() {
  local output attempt
  for ((attempt = 1; ; attempt++)); do
    if run_yum "$@"; then return 0; fi
    # The archives fail at times, so mirror errors are retried. A full disk causes the same messages.
    if ((attempt >= yum_attempts)) || disk_is_full || ! mirrors_failed; then break; fi
    say "packages: a mirror failed, trying again"
    sleep 2
  done
  fail_with_reason
}

# Runs yum once, after any other yum has ended. Its output goes to the caller's variable `output`.
# The plugin fastestmirror is disabled because it would change the configured order of the archives.
run_yum() {
  local attempt result
  # shellcheck disable=SC2034 # used by run_silently
  local what="yum $1"
  for ((attempt = 1; ; attempt++)); do
    result=0
    run_silently yum --config="$package_config_file" --disableplugin=fastestmirror --assumeyes "$@" || result=$?
    # With exit_on_lock in its configuration, yum ends instead of waiting forever.
    output_has --ignore-case 'holding the yum lock\|waiting for process with pid' || return "$result"
    if ((attempt >= lock_attempts)); then
      fail "Another yum has been running on this server for $((lock_attempts * lock_pause)) seconds: $(lock_holder)." \
        "wait until it ends, or stop it (its process id is in /var/run/yum.pid), then deploy again."
    fi
    if ((attempt == 1)); then say "packages: waiting for another yum"; fi
    sleep "$lock_pause"
  done
}

# Whether yum's output matches a pattern. Arguments: OPTION… PATTERN
output_has() { grep --quiet "$@" <<< "$output"; }

last_output() { [[ -z ${output:-} ]] || tail -n 15 <<< "$output"; }

lock_holder() {
  local pid
  pid=$(cat /var/run/yum.pid 2> /dev/null) && tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null && return
  grep --ignore-case --max-count 1 'lock\|pid' <<< "$output" | sed 's/\.$//'
}

disk_is_full() {
  output_has --ignore-case 'No space left\|disk is full\|curl#23\|Insufficient space in download directory\|needs [0-9]* *[KMG]B\? on the\|insufficient disk space\|At least .* more space needed'
}

mirrors_failed() {
  output_has 'Cannot find a valid baseurl\|Could not resolve host\|No more mirrors to try\|All mirrors were tried\|Cannot retrieve \(metalink\|repository metadata\)\|Failed to download metadata'
}

# Ends the script with the error that yum's output indicates.
fail_with_reason() {
  local unknown clock
  unknown=$(sed -n -e 's/^No package \(.*\) available\.$/\1/p' -e 's/^No match for argument: \(.*\)$/\1/p' <<< "$output" | paste -s -d ' ')
  if [[ -n $unknown ]]; then
    fail_unknown "$unknown"
  elif disk_is_full; then
    fail "The server's disk is full." "free some disk space (df -h), then deploy again." "$(last_output)"
  elif output_has 'GPG key\|GPG check FAILED\|Public key for\|is not signed'; then
    fail_unsigned
  elif mirrors_failed; then
    clock=$(clock_advice <<< "$output")
    fail "The server could not download packages from any mirror in $package_config_file." \
      "${clock}check with curl which mirrors the server reaches, then set others with server.mirrors, or a proxy with server.proxy." \
      "$(last_output)"
  fi
  fail "The package manager yum could not install the packages." "solve the problem that the output above shows, then deploy again." "$(last_output)"
}

fail_unsigned() {
  fail "The packages are not signed with the key that the server trusts for them, so none was installed." \
    "set server.mirrors to mirrors with the original packages, or restore the system's key in /etc/pki/rpm-gpg." "$(last_output)"
}

fail_unknown() {
  fail "The package $1 does not exist." \
    "correct the name in apps.APP.packages or in the platform's description. To look it up on the server: yum --config=$package_config_file provides NAME" \
    "$(last_output)"
}

# Whether a configuration file is unmodified. Arguments: FILE PACKAGE
is_as_packaged() {
  local changed
  # rpm fails if any file of the package was changed.
  changed=$(rpm --verify "$2") || true
  ! grep --quiet " $1\$" <<< "$changed"
}
