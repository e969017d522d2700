#!/usr/bin/env bash
# Starts every script that runs on a server. Bash 4.2 (CentOS 7) is the oldest that must understand it.
set -euo pipefail
# With root's umask of 077 the apps' users could not read what is installed. With a foreign locale the tools' output could
# not be parsed.
umask 022
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Prints a progress line.
say() { printf '%s\n' "$*" >&2; }

# Ends the script with an error. Arguments: WHAT FIX [LOG]
# WHAT is one or two full sentences, with "Nothing was changed." at the end where that is true. FIX begins with an
# imperative in lower case. LOG, the output of a tool, is shown between the two.
fail() {
  local line
  printf 'Error: %s\n' "$1" >&2
  if [[ -n ${3:-} ]]; then
    while IFS= read -r line; do printf '    %s\n' "$line"; done <<< "$3" >&2
  fi
  printf 'Fix: %s\n' "$2" >&2
  exit 1
}

# Assigns NAME=VALUE arguments to variables that the caller has declared.
parameters() {
  local pair
  for pair; do
    [[ $pair =~ ^[a-z_0-9]+= ]] || fail "The script got the argument $pair, which is not NAME=VALUE." \
      "report this as a bug of this project."
    printf -v "${pair%%=*}" %s "${pair#*=}"
  done
}

# Waits for a lock, because an interrupted run may still be working on the server. The lock ends with the script.
# Arguments: NAME SECONDS
lock() {
  local file=/run/lock/uwsgi-nginx-$1 seconds=$2
  exec 9> "$file"
  flock --wait "$seconds" 9 ||
    fail "Another run has been working on $1 for $seconds seconds." "wait until it ends, or stop it (fuser $file), then deploy again."
}

# Retries a command until it succeeds. Arguments: SECONDS COMMAND…
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# Runs a command and shows its output only if it fails. Arguments: WHAT COMMAND…
# The variable advice, if set, replaces the default fix.
quietly() {
  local what=$1 log output clock
  shift
  log=$(mktemp)
  if ! "$@" > "$log" 2>&1 9>&-; then
    output=$(tail -n 25 "$log")
    clock=$(clock_advice < "$log")
    rm -f "$log"
    fail "$what failed." "$clock${advice:-solve the problem that the output above shows, then deploy again.}" \
      "$output"$'\n'"(command: $*)"
  fi
  rm -f "$log"
}

# Prints the beginning of a fix if the text on stdin may be caused by a wrong clock. Python 2.7 does not say what is wrong
# with a certificate.
clock_advice() {
  ! grep --quiet --ignore-case --extended-regexp 'certificate.*(not yet valid|has expired)|certificate verify failed \(_ssl|is not valid yet' ||
    printf "check the server's clock, because certificates were rejected: it says %s (to set it: timedatectl). If it is right, " "$(date)"
}

# Installs a copy of a file atomically. Arguments: FILE TARGET
install_file() {
  install -m 644 "$1" "$2.new"
  mv -fT "$2.new" "$2"
}
