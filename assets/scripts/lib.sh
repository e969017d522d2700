#!/usr/bin/env bash
# What every script on a server starts with. Bash 4.2 (CentOS 7) is the oldest that must understand it.
set -euo pipefail
# A root with umask 077 would leave files that the apps' users cannot read; a foreign locale changes what tools print.
umask 022
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Tells the person who waits what happens now.
say() { printf '%s\n' "$*" >&2; }

# Ends the script: what happened, then (further arguments) what to do next.
fail() {
  printf 'Error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

# Takes NAME=VALUE arguments as the caller's variables, which it has declared.
parameters() {
  local pair
  for pair; do
    [[ $pair =~ ^[a-z_]+= ]] || fail "not NAME=VALUE: $pair"
    printf -v "${pair%%=*}" %s "${pair#*=}"
  done
}

# Waits for its turn: a run that was cut off may still be at work here. The lock ends with the script.
lock() {
  local name=$1 seconds=$2
  exec 9> "/run/lock/uwsgi-nginx-$name"
  flock --wait "$seconds" 9 ||
    fail "another run still works on $name after $seconds seconds" "Wait for it, or see what holds /run/lock/uwsgi-nginx-$name (fuser), then run up again."
}

# Runs a command until it succeeds, for at most so many seconds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# Runs a command quietly; shows the end of what it printed only when it fails, and then the variable advice, if it is set.
quietly() {
  local what=$1 log clock
  shift
  log=$(mktemp)
  if ! "$@" > "$log" 2>&1 9>&-; then
    tail -n 25 "$log" >&2
    clock=$(clock_advice < "$log")
    rm -f "$log"
    fail "$what failed: $*" ${clock:+"$clock"} ${advice:+"$advice"}
  fi
  rm -f "$log"
}

# Says so where the words on stdin may come of a wrong clock. An old Python does not say what is wrong with a certificate.
clock_advice() {
  ! grep --quiet --ignore-case --extended-regexp 'certificate.*(not yet valid|has expired)|certificate verify failed \(_ssl|is not valid yet' ||
    printf "Certificates do not seem to be valid where the server's clock is wrong: it says %s (set it: timedatectl)." "$(date)"
}

# Puts a copy of a file in place in one step.
install_file() {
  install -m 644 "$1" "$2.new"
  mv -fT "$2.new" "$2"
}
