#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Packages with yum: install_packages NAME…
# Its callers have: package_config_file, and package_keys (a list of PACKAGE=KEY_FILE)

yum_attempts=3
lock_attempts=60
lock_pause=5
key_work=/run/uwsgi-nginx-keys

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
  take_keys
  # shellcheck disable=SC2086 # one word a package
  with_yum install $missing
  missing=$(missing_packages "$@")
  if [[ -n $missing ]]; then fail_unknown "${missing//$'\n'/ }"; fi
}

# Puts the keys of others than the system beside the configuration, out of packages that the system's own keys have signed.
# Such a package is unpacked, not installed: its repository file, whose mirrors are gone, would make the server's own yum fail.
take_keys() {
  local pair file key
  for pair in $package_keys; do
    file=${pair#*=}
    key=$(own_key "$file")
    if [[ -s $key ]]; then continue; fi
    if [[ -s $file ]]; then
      # A server that has the package trusts its key already.
      install_file "$file" "$key"
    else
      unpack "${pair%%=*}" "$key_work"
      install_file "$key_work/root$file" "$key"
      rm -rf "$key_work"
    fi
  done
}

own_key() { printf '%s/%s' "$(dirname "$package_config_file")" "${1##*/}"; }

# Unpacks a package into FOLDER/root, if it is signed by the system's own keys. Arguments: PACKAGE FOLDER
unpack() {
  local said key file
  say "packages: fetching the key in $1"
  rm -rf "$2"
  mkdir -p "$2/root"
  with_yum install --downloadonly --downloaddir="$2" "$1"
  file=$(find "$2" -name '*.rpm' -print -quit)
  if [[ -z $file ]]; then fail_unknown "$1"; fi
  # With a list of keys of its own, for the server may trust others. rpm calls a package without any signature right, too.
  for key in /etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7{,-"$(uname -m)"}; do
    [[ ! -f $key ]] || quietly "reading the key $key" rpm --dbpath "$2/keys" --import "$key"
  done
  said=$(rpm --dbpath "$2/keys" --checksig "$file" 2>&1) || true
  if it_said 'NOT OK' || ! it_said 'pgp\|signatures'; then fail_unsigned; fi
  quietly "unpacking $1" rpm --root "$2/root" --install --nodeps --noscripts "$file"
}

# Removes the keys, and what yum has kept of our repositories; the server's own stay.
forget_downloads() {
  local pair
  for pair in $package_keys; do rm -f "$(own_key "${pair#*=}")"; done
  rm -rf "$key_work" /var/cache/yum/uwsgi-nginx
  [[ ! -d /var/lib/yum/repos ]] || find /var/lib/yum/repos -mindepth 3 -maxdepth 3 -name 'uwsgi-nginx-*' -exec rm -rf {} +
}

# The keys that the system itself came with: other architectures than x86_64 have one more than the configuration names.
import_own_keys() {
  local key
  key=/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7-$(uname -m)
  [[ ! -f $key ]] || quietly "taking in the key $key" rpm --import "$key"
}

# Runs yum, and ends the script when it fails. Arguments: COMMAND ARGUMENT…
with_yum() {
  local said attempt
  for ((attempt = 1; ; attempt++)); do
    if run_yum "$@"; then return 0; fi
    # Archives fail at times, and are well the next moment. A disk that is full looks like it, and is not.
    if ((attempt >= yum_attempts)) || is_about_disk || ! is_about_mirrors; then break; fi
    say "packages: a mirror failed, trying again"
    sleep 2
  done
  explain
}

# Runs yum once, and waits for its turn when another yum is at work. What it printed goes to the caller's variable said.
# Of the server's plugins the one is left out that would ask the archives in another order than the configuration.
run_yum() {
  local attempt result
  for ((attempt = 1; ; attempt++)); do
    result=0
    said=$(yum --config="$package_config_file" --disableplugin=fastestmirror --assumeyes "$@" 2>&1 9>&-) || result=$?
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

is_about_disk() {
  it_said --ignore-case 'No space left\|disk is full\|curl#23\|Insufficient space in download directory\|needs [0-9]* *[KMG]B\? on the\|insufficient disk space\|At least .* more space needed'
}

is_about_mirrors() {
  it_said 'Cannot find a valid baseurl\|Could not resolve host\|No more mirrors to try\|All mirrors were tried\|Cannot retrieve \(metalink\|repository metadata\)\|Failed to download metadata'
}

# Ends with what yum's words mean.
explain() {
  local unknown advice
  tail -n 15 <<< "$said" | sed 's/^/  | /' >&2
  unknown=$(sed -n -e 's/^No package \(.*\) available\.$/\1/p' -e 's/^No match for argument: \(.*\)$/\1/p' <<< "$said" | paste -s -d ' ')
  if [[ -n $unknown ]]; then
    fail_unknown "$unknown"
  elif is_about_disk; then
    fail "the server's disk is full" "Free some space (df -h), then run up again."
  elif it_said 'GPG key\|GPG check FAILED\|Public key for\|is not signed'; then
    fail_unsigned
  elif is_about_mirrors; then
    advice=$(clock_advice <<< "$said")
    fail "no mirror gives out the packages" ${advice:+"$advice"} \
      "The mirrors stand in $package_config_file on the server: name others with server.mirrors, or a proxy with server.proxy, and look whether the server reaches them (curl)."
  fi
  fail "yum could not install the packages: its last lines stand above" "Mend what it says, then run up again."
}

fail_unsigned() {
  fail "the packages are not signed with the key that is trusted for them, so none was installed" \
    "A mirror gives out something else than the system's own packages, or the key in /etc/pki/rpm-gpg is another one: see server.mirrors."
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
