#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Packages with yum: install_packages NAME…
# Its callers have: package_config_file

yum_attempts=3
lock_attempts=60
lock_pause=5

# By what provides them: python-pip is there when python2-pip is.
missing_packages() {
  local name
  for name; do
    rpm --query --quiet --whatprovides "$name" > /dev/null 2>&1 || printf '%s\n' "$name"
  done
}

# Installs what is missing and looks afterwards whether it is there, for yum's exit code does not tell.
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return 0; fi
  say "packages: installing ${missing//$'\n'/ }"
  import_own_keys
  # shellcheck disable=SC2086 # one word a package
  install_with_yum $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then fail_unknown "${missing//$'\n'/ }"; fi
}

# The keys that the system itself came with: other architectures than x86_64 have one more than the configuration names.
import_own_keys() {
  local key
  key=/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7-$(uname -m)
  [[ ! -f $key ]] || quietly "taking in the key $key" rpm --import "$key"
}

install_with_yum() {
  local said attempt
  for ((attempt = 1; ; attempt++)); do
    if run_yum install "$@"; then return 0; fi
    # Archives fail at times, and are well the next moment.
    if ((attempt >= yum_attempts)) || ! is_about_mirrors; then break; fi
    say "packages: a mirror failed, trying again"
    sleep 2
  done
  explain
}

# Runs yum, and waits for its turn when another yum is at work. What it printed goes to the caller's variable said.
run_yum() {
  local attempt result
  for ((attempt = 1; ; attempt++)); do
    result=0
    said=$(yum --config="$package_config_file" --assumeyes "$@" 2>&1 9>&-) || result=$?
    # exit_on_lock in its configuration makes it say so instead of waiting for ever.
    it_said --ignore-case 'holding the yum lock\|waiting for process with pid' || return "$result"
    if ((attempt >= lock_attempts)); then
      fail "another yum has been at work on this server for $((lock_attempts * lock_pause)) seconds: $(lock_holder)" \
        "Wait for it or end it (its process id is in /var/run/yum.pid), then run up again."
    fi
    if ((attempt == 1)); then say "packages: waiting for another yum"; fi
    sleep "$lock_pause"
  done
}

# Whether yum's words hold a pattern. Arguments: OPTION… PATTERN
it_said() { grep --quiet "$@" <<< "$said"; }

lock_holder() {
  local pid
  pid=$(cat /var/run/yum.pid 2> /dev/null) && tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null && return
  grep --ignore-case --max-count 1 'lock\|pid' <<< "$said"
}

is_about_mirrors() {
  it_said 'Cannot find a valid baseurl\|Could not resolve host\|No more mirrors to try\|All mirrors were tried\|Cannot retrieve \(metalink\|repository metadata\)\|Failed to download metadata'
}

# Ends with what yum's words mean.
explain() {
  local unknown
  tail -n 15 <<< "$said" | sed 's/^/  | /' >&2
  unknown=$(sed -n -e 's/^No package \(.*\) available\.$/\1/p' -e 's/^No match for argument: \(.*\)$/\1/p' <<< "$said" | paste -s -d ' ')
  if [[ -n $unknown ]]; then
    fail_unknown "$unknown"
  elif it_said 'GPG key\|GPG check FAILED\|Public key for\|is not signed'; then
    fail "the packages are not signed with the key that is trusted for them, so none was installed" \
      "A mirror gives out something else than the system's own packages, or the key in /etc/pki/rpm-gpg is another one: see host.mirrors."
  elif is_about_mirrors; then
    fail "no mirror gives out the packages" \
      "The mirrors stand in $package_config_file on the server: name others with host.mirrors, or a proxy with host.proxy, and look whether the server reaches them (curl)."
  elif it_said 'No space left\|needs [0-9]* *[KMG]B\? on the\|insufficient disk space\|At least .* more space needed'; then
    fail "the server's disk is full" "Free some space (df -h), then run up again."
  fi
  fail "yum could not install the packages: its last lines stand above" "Mend what it says, then run up again."
}

fail_unknown() {
  fail "there is no such package: $1" \
    "Packages come from the settings 'apps.APP.packages' and from the platform's description; look the name up on the server with: yum --config=$package_config_file provides NAME"
}

# Whether a configuration file is still the package's own. Arguments: FILE PACKAGE
is_as_packaged() {
  local changed
  # It fails when there is any.
  changed=$(rpm --verify "$2") || true
  ! grep --quiet " $1\$" <<< "$changed"
}
