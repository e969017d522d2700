#!/usr/bin/env bash
# Starts every script that runs on a server. Bash 4.2 (CentOS 7) is the oldest that must understand it.
set -euo pipefail
# With root's umask of 077 the apps' users could not read what is installed. With a foreign locale the tools' output could
# not be parsed.
umask 022
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Prints a progress line.
say() { printf '%s\n' "$*" >&2; }

# NAT drops connections on which nothing is sent for a while.
pulse_seconds=15
pulse=''

# Says every few seconds that something is still going on, until stop_pulse. Argument: WHAT
start_pulse() {
  local what=$1 start=$SECONDS
  stop_pulse
  (
    close_locks
    # Like sleep, but without a process that would outlive this one and keep the connection open.
    until read -rt "$pulse_seconds" <> <(:) || ! kill -0 $$ 2> /dev/null; do
      say "… $what ($((SECONDS - start)) s)"
    done
  ) &
  pulse=$!
}

stop_pulse() {
  [[ -n $pulse ]] || return 0
  kill "$pulse" 2> /dev/null || true
  wait "$pulse" 2> /dev/null || true
  pulse=''
}

clean_ups=(stop_pulse)
undos=()

# Calls a function when the script ends, after those before it. Argument: FUNCTION
clean_up_with() { clean_ups+=("$1"); }

# The same after the clean-ups, but only if the script fails: the engine does not record a resource whose script fails, so it
# would never undo it. Argument: FUNCTION
undo_on_failure() { undos+=("$1"); }

# For the trap of EXIT.
end_script() {
  local code=$? name
  # Whatever fails, the rest is tried.
  set +e
  for name in "${clean_ups[@]}"; do "$name"; done
  if ((code != 0)); then
    for name in ${undos[@]+"${undos[@]}"}; do "$name"; done
  fi
}

# Ends the script with an error. Arguments: WHAT FIX [LOG]
# WHAT is one or two full sentences, with "Nothing was changed." at the end where that is true. FIX begins with an
# imperative in lower case. LOG, the output of a tool, is shown between the two.
fail() {
  local line
  stop_pulse
  printf 'Error: %s\n' "$1" >&2
  if [[ -n ${3:-} ]]; then
    while IFS= read -r line; do printf '    %s\n' "$line"; done <<< "$3" >&2
  fi
  printf 'Fix: %s\n' "$2" >&2
  exit 1
}

locks_folder=/run/uwsgi-nginx
locks=()
locked=' '

# Waits for a lock, because an interrupted run may still be working on the server. The lock ends with the script. Only root
# can open its file. Arguments: NAME SECONDS
lock() {
  local file=$locks_folder/$1 seconds=$2 descriptor
  if [[ $locked == *" $1 "* ]]; then return 0; fi
  until
    install -d -m 700 "$locks_folder"
    exec {descriptor}> "$file"
    if ! flock --nonblock "$descriptor"; then
      start_pulse "waiting for another run that works on $1"
      flock --wait "$seconds" "$descriptor" ||
        fail "Another run has been working on $1 for $seconds seconds." "wait until it ends, or stop it (fuser $file), then deploy again."
      stop_pulse
    fi
    # Otherwise the run that had it has removed the file.
    [[ $file -ef /dev/fd/$descriptor ]]
  do exec {descriptor}>&-; done
  locks+=("$descriptor")
  locked+="$1 "
}

# For a subshell whose processes may outlive the script: a lock lasts as long as anyone has its file open.
close_locks() {
  local descriptor
  for descriptor in ${locks[@]+"${locks[@]}"}; do exec {descriptor}>&-; done
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
  local what=$1 output
  shift
  run_silently "$@" || fail_with_output "$what" "$output" "$@"
}

# Runs the command of the caller's `what` and assigns its output to the caller's `output`. By a file, because a pipe would
# wait for every process that the command leaves behind.
run_silently() {
  local log result=0
  log=$(mktemp)
  start_pulse "$what"
  (close_locks && "$@") > "$log" 2>&1 || result=$?
  stop_pulse
  output=$(cat "$log")
  rm -f "$log"
  return "$result"
}

# Arguments: WHAT OUTPUT COMMAND…
fail_with_output() {
  local what=$1 output=$2 clock
  shift 2
  clock=$(clock_advice <<< "$output")
  fail "$what failed." "$clock${advice:-solve the problem that the output above shows, then deploy again.}" \
    "$(tail -n 25 <<< "$output")"$'\n'"(command: $*)"
}

# Prints the beginning of a fix if the text on stdin may be caused by a wrong clock. Python 2.7 does not say what is wrong
# with a certificate.
clock_advice() {
  ! grep --quiet --ignore-case --extended-regexp 'certificate.*(not yet valid|has expired)|certificate verify failed \(_ssl|is not valid yet' ||
    printf "check the server's clock, because certificates were rejected: it says %s (to set it: timedatectl). If it is right, " "$(date)"
}

# After a power cut, a file that was only written and moved may be empty. So its content goes to the disk before it is moved.
# Argument: FILE
sync_file() { dd if=/dev/null of="$1" conv=notrunc,fsync status=none; }

# The same for all of a folder. Older versions of sync know only all disks. Argument: FOLDER
sync_folder() { sync --file-system "$1" 2> /dev/null || sync; }

# Installs a copy of a file atomically. Arguments: FILE TARGET
install_file() {
  install -m 644 "$1" "$2.new"
  sync_file "$2.new"
  mv -fT "$2.new" "$2"
}

# Writes a file atomically. Arguments: TEXT FILE
write_text() {
  mkdir -p "$(dirname "$2")"
  printf '%s' "$1" > "$2.new"
  chmod 644 "$2.new"
  sync_file "$2.new"
  mv -fT "$2.new" "$2"
}
