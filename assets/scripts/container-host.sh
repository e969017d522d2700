#!/usr/bin/env bash
# Makes or removes the container that stands for a server, on the machine that runs Pulumi.
# Usage: up STACK NAME IMAGE SSH_PORT HTTP_PORT ENGINE… -- RUN_OPTION…
#          prints the container's id
#        down ENGINE…
#          removes the container whose id PULUMI_COMMAND_STDOUT holds
# On stdin of up: a line with the public key that may log in as root, then the server's own private key.
set -euo pipefail

main() {
  local action=$1
  shift
  "$action" "$@"
}

up() {
  local stack=$1 name=$2 image=$3 ssh_port=$4 http_port=$5 engine=()
  shift 5
  while [[ $1 != -- ]]; do
    engine+=("$1")
    shift
  done
  shift
  # Before anything is removed: a new container that cannot start must not cost the old one.
  require_port "$ssh_port" host.sshPort "$name" "${engine[@]}"
  require_port "$http_port" host.httpPort "$name" "${engine[@]}"
  # The one that this one replaces, or what a killed run left half made.
  remove "$name" "${engine[@]}"
  local id
  id=$("${engine[@]}" create --name "$name" --hostname "$name" --restart always "$@" \
    --label "uwsgi-nginx.folder=$PWD" --label "uwsgi-nginx.stack=$stack" \
    --publish "127.0.0.1:$ssh_port:22" --publish "127.0.0.1:$http_port:80" "$image")
  # The keys are there before sshd first starts, so the very first connection can be verified.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (umask 077 && IFS= read -r key && printf '%s\n' "$key" > "$work/authorized_keys" && cat > "$work/host_key")
  "${engine[@]}" cp "$work/authorized_keys" "$name:/root/.ssh/authorized_keys"
  "${engine[@]}" cp "$work/host_key" "$name:/etc/ssh/ssh_host_ed25519_key"
  if ! "${engine[@]}" start "$name" > /dev/null; then
    remove "$name" "${engine[@]}"
    fail "the container $name does not start; the container engine says why above" \
      "If it is a port that is taken: choose another with host.sshPort or host.httpPort, or stop what uses it (ss -ltnp)."
  fi
  local deadline=$((SECONDS + 60))
  until ssh_answers "$ssh_port"; do
    if ((SECONDS >= deadline)); then
      "${engine[@]}" logs "$name" 2>&1 | tail -n 20 >&2
      remove "$name" "${engine[@]}"
      fail "sshd in the container $name did not answer on 127.0.0.1:$ssh_port within 60 seconds; its last output stands above"
    fi
    sleep 0.1
  done
  printf '%s\n' "$id"
}

down() {
  [[ -n ${PULUMI_COMMAND_STDOUT:-} ]] || fail "the id of the container is not known" "Look for it with: $* ps --all"
  remove "$PULUMI_COMMAND_STDOUT" "$@"
}

remove() {
  local name=$1
  shift
  # Killed first, for `rm --force` waits for an orderly shutdown that nobody needs.
  "$@" kill "$name" > /dev/null 2>&1 || true
  "$@" rm --force --volumes "$name" > /dev/null 2>&1 || true
}

# Arguments: PORT SETTING NAME ENGINE…; the container NAME itself may have the port, for it goes.
require_port() {
  local port=$1 setting=$2 name=$3
  shift 3
  connect "$port" || return 0
  exec 3>&- 3<&-
  local published
  published=$("$@" port "$name" 2> /dev/null) || published=''
  if [[ $published == *" -> 127.0.0.1:$port" || $published == *" -> 127.0.0.1:$port"$'\n'* ]]; then return 0; fi
  fail "the port $port of 127.0.0.1 is taken by another program on this machine; nothing was touched" \
    "Choose another one with the setting $setting, or stop what uses it: ss -ltnp 'sport = :$port'"
}

connect() {
  { exec 3<> "/dev/tcp/127.0.0.1/$1"; } 2> /dev/null
}

ssh_answers() {
  local banner
  connect "$1" || return 1
  IFS= read -r -t 2 -u 3 banner || banner=''
  exec 3>&- 3<&-
  [[ $banner == SSH-* ]]
}

fail() {
  printf 'Error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

main "$@"
