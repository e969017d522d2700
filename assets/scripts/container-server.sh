#!/usr/bin/env bash
# Makes or removes the container that stands for a server, on the machine that runs Pulumi.
# Usage: up NAME=VALUE… ENGINE… -- RUN_OPTION… -- COMMAND…
#          stack, name, image, root_filesystem (archive or folder that stands in for the image), needs_cgroup_v1,
#          ssh_port, http_port; prints the container's id
#        down ENGINE…
#          removes the container whose id PULUMI_COMMAND_STDOUT holds
# On stdin of up: a line with a tar archive in base64, of the keys of sshd as they lie on the server, then the script that
# makes a server of what the image holds, if that takes one. They stay in memory: a cancelled update kills this script, and
# no file with a key may be left.
set -euo pipefail

root_images=localhost/uwsgi-nginx-server
pull_seconds=300

main() {
  local action=$1
  shift
  "$action" "$@"
}

up() {
  local stack='' name='' image='' root_filesystem='' needs_cgroup_v1='' ssh_port='' http_port=''
  local engine=() options=() id keys setup
  while [[ $1 =~ ^[a-z_0-9]+= ]]; do
    printf -v "${1%%=*}" %s "${1#*=}"
    shift
  done
  while [[ $1 != -- ]]; do
    engine+=("$1")
    shift
  done
  shift
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  # Before anything is removed: a new container that cannot start must not cost the old one.
  require_port "$ssh_port" server.sshPort "$name" "${engine[@]}"
  require_port "$http_port" server.httpPort "$name" "${engine[@]}"
  if [[ $needs_cgroup_v1 == true ]]; then require_cgroup_v1; fi
  if [[ -n $root_filesystem ]]; then
    image=$root_images:root-$name
    import_root_filesystem
  else
    pull_image
  fi
  IFS= read -r keys
  setup=$(cat)
  # The one that this one replaces, or what a killed run left half made.
  remove_container "$name" "${engine[@]}"
  id=$("${engine[@]}" create --name "$name" --hostname "$name" --restart always "${options[@]}" \
    --label "uwsgi-nginx.folder=$PWD" --label "uwsgi-nginx.stack=$stack" \
    --publish "127.0.0.1:$ssh_port:22" --publish "127.0.0.1:$http_port:80" "$image" "$@")
  if [[ -z $setup ]]; then
    # The keys are there before sshd first starts, so the very first connection can be verified.
    copy_keys
    start
  else
    start
    set_up
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

copy_keys() { printf '%s' "$keys" | base64 --decode | "${engine[@]}" cp - "$name:/"; }

start() {
  if ! "${engine[@]}" start "$name" > /dev/null; then
    remove "$name" "${engine[@]}"
    fail "the container $name does not start; the container engine says why above" \
      "If it is a port that is taken: choose another with server.sshPort or server.httpPort, or stop what uses it (ss -ltnp)."
  fi
}

# Gives the running container what the image lacks, over the engine, for there may be no sshd yet.
set_up() {
  if "${engine[@]}" exec "$name" mkdir -p -m 700 /root/.ssh /etc/ssh && chmod_ssh && copy_keys &&
    printf '%s\n' "$setup" | "${engine[@]}" exec --interactive "$name" bash -s >&2; then return 0; fi
  "${engine[@]}" logs "$name" 2>&1 | tail -n 20 >&2
  remove "$name" "${engine[@]}"
  fail "the container $name does not become a server; the reason stands above" \
    "Mend it, or take an image with systemd and sshd, then run up again."
}

chmod_ssh() { "${engine[@]}" exec "$name" chmod 755 /etc/ssh; }

# Its absence would show only by a container that never boots.
require_cgroup_v1() {
  local about
  if grep --quiet 'name=systemd' /proc/self/mountinfo 2> /dev/null; then return 0; fi
  about=$("${engine[@]}" info 2> /dev/null) || about=''
  if grep --quiet --ignore-case 'cgroup *version: *v\?1' <<< "$about"; then return 0; fi
  fail "this machine has no cgroup v1 hierarchy of systemd's, without which the systemd of this image does not boot; nothing was touched" \
    "Boot the machine with systemd.unified_cgroup_hierarchy=0, or mount the hierarchy: mkdir -p /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd" \
    "Or use a server that you have, or a virtual machine."
}

pull_image() {
  local reference=$image output status
  for image in "$reference" "docker.io/$(qualified "$reference")"; do
    if "${engine[@]}" image inspect "$image" > /dev/null 2>&1; then return 0; fi
  done
  # An engine may know no registry to look a short name up in.
  for image in "$reference" "docker.io/$(qualified "$reference")"; do
    status=0
    output=$(bounded "${engine[@]}" pull --quiet "$image" 2>&1) || status=$?
    if ((status == 0)); then return 0; fi
    if ((status == 124)); then
      fail "the image $image could not be pulled within $pull_seconds seconds: its registry does not answer, or slowly; nothing was touched" \
        "Pull it by hand ($(basename "${engine[0]}") pull $image), then run up again; or name another with server.image, or give a root file system with server.rootFilesystem."
    fi
    printf '%s\n' "$output" | tail -n 3 >&2
  done
  fail "the image $reference is not here and cannot be pulled; the container engine says why above; nothing was touched" \
    "Give the engine access to a registry that has it, name another with server.image, or give a root file system with server.rootFilesystem."
}

# A registry whose answers a firewall swallows would keep the engine waiting. Not in a process group of its own, so that
# it dies with this script.
bounded() {
  if ! command -v timeout > /dev/null; then "$@"; else timeout --foreground --kill-after=10 "$pull_seconds" "$@"; fi
}

qualified() {
  if [[ $1 == */* ]]; then printf '%s' "$1"; else printf 'library/%s' "$1"; fi
}

import_root_filesystem() {
  local contents
  if [[ -d $root_filesystem ]]; then
    is_root_filesystem < <(cd "$root_filesystem" && find . -maxdepth 4 -name os-release) || not_a_root_filesystem
    tar --create --directory "$root_filesystem" --one-file-system --numeric-owner . | "${engine[@]}" import - "$image" > /dev/null
  else
    contents=$(tar --list --file "$root_filesystem" 2> /dev/null) || not_a_root_filesystem
    is_root_filesystem <<< "$contents" || not_a_root_filesystem
    "${engine[@]}" import "$root_filesystem" "$image" > /dev/null
  fi
}

is_root_filesystem() { grep --quiet --extended-regexp '^(\./|/)?(etc|usr/lib)/os-release$'; }

not_a_root_filesystem() {
  fail "$root_filesystem is no root file system: neither a folder nor a tar archive with etc/os-release; nothing was touched" \
    "Name another with server.rootFilesystem, or the environment variable that stands in for it."
}

down() {
  [[ -n ${PULUMI_COMMAND_STDOUT:-} ]] || fail "the id of the container is not known" "Look for it with: $* ps --all"
  remove "$PULUMI_COMMAND_STDOUT" "$@"
}

remove() {
  local name=$1 image
  shift
  image=$("$@" inspect --format '{{.Config.Image}}' "$name" 2> /dev/null) || image=''
  remove_container "$name" "$@"
  # What was imported for this container alone.
  if [[ $image == "$root_images:root-"* ]]; then "$@" rmi "$image" > /dev/null 2>&1 || true; fi
}

remove_container() {
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
