#!/usr/bin/env bash
# Makes or removes the container that is used as a server, on your computer.
# Usage: up NAME=VALUE… ENGINE… -- RUN_OPTION… -- COMMAND…
#          stack, name, image, root_filesystem (archive or folder, used instead of the image), needs_cgroup_v1,
#          ssh_port, http_port; prints the container's id
#        down ENGINE…
#          removes the container whose id is in PULUMI_COMMAND_STDOUT
# Stdin of up: a line with a .tar.gz of sshd's keys in base64, then the script that turns the image into a server, if it
# needs one. They stay in memory, because a cancelled update kills this script, and no file with a key may be left behind.
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
  # Checked before the old container is removed, so that it stays if the new one cannot start.
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
  # The container that this one replaces, or an incomplete one of an interrupted run.
  remove_container "$name" "${engine[@]}"
  id=$("${engine[@]}" create --name "$name" --hostname "$name" --restart always "${options[@]}" \
    --label "uwsgi-nginx.folder=$PWD" --label "uwsgi-nginx.stack=$stack" \
    --publish "127.0.0.1:$ssh_port:22" --publish "127.0.0.1:$http_port:80" "$image" "$@")
  if [[ -z $setup ]]; then
    # Copied before sshd starts, so that the first connection is already verified.
    copy_keys
    start
  else
    start
    set_up
  fi
  local deadline=$((SECONDS + 60)) output
  until ssh_answers "$ssh_port"; do
    if ((SECONDS >= deadline)); then
      output=$(container_logs)
      remove "$name" "${engine[@]}"
      fail "The container $name was removed, because its sshd did not answer on 127.0.0.1:$ssh_port within 60 seconds." \
        "use another image with server.image, or deploy again." "$output"
    fi
    sleep 0.1
  done
  printf '%s\n' "$id"
}

container_logs() { "${engine[@]}" logs "$name" 2>&1 | tail -n 20; }

copy_keys() { printf '%s' "$keys" | base64 --decode | gzip --decompress | "${engine[@]}" cp - "$name:/"; }

start() {
  if ! "${engine[@]}" start "$name" > /dev/null; then
    remove "$name" "${engine[@]}"
    fail "The container $name does not start." \
      "solve the problem that the container engine reports above. If a port is in use, choose another with server.sshPort or server.httpPort, or stop the program that uses it (ss -ltnp)."
  fi
}

# Installs what the image lacks in the running container. Uses the engine, because there may be no sshd yet.
set_up() {
  local output
  if "${engine[@]}" exec "$name" mkdir -p -m 700 /root/.ssh /etc/ssh && chmod_ssh && copy_keys &&
    printf '%s\n' "$setup" | "${engine[@]}" exec --interactive "$name" bash -s >&2; then return 0; fi
  output=$(container_logs)
  remove "$name" "${engine[@]}"
  fail "The container $name could not be set up as a server, so it was removed." \
    "solve the problem that the output above shows, or set server.image to an image with systemd and sshd, then deploy again." "$output"
}

chmod_ssh() { "${engine[@]}" exec "$name" chmod 755 /etc/ssh; }

# Without the hierarchy the container would never boot, and not say why.
require_cgroup_v1() {
  local about
  if grep --quiet 'name=systemd' /proc/self/mountinfo 2> /dev/null; then return 0; fi
  about=$("${engine[@]}" info 2> /dev/null) || about=''
  if grep --quiet --ignore-case 'cgroup *version: *v\?1' <<< "$about"; then return 0; fi
  fail "Your computer has no cgroup v1 hierarchy for systemd, which the systemd of this image needs to boot. Nothing was changed." \
    "use a virtual machine or an existing server, boot your computer with systemd.unified_cgroup_hierarchy=0, or run: mkdir -p /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd"
}

pull_image() {
  local reference=$image answer output='' status
  for image in "$reference" "docker.io/$(with_namespace "$reference")"; do
    if "${engine[@]}" image inspect "$image" > /dev/null 2>&1; then return 0; fi
  done
  # An engine may have no registry configured for short names.
  for image in "$reference" "docker.io/$(with_namespace "$reference")"; do
    status=0
    answer=$(with_timeout "${engine[@]}" pull --quiet "$image" 2>&1) || status=$?
    if ((status == 0)); then return 0; fi
    if ((status == 124)); then
      fail "The image $image could not be pulled within $pull_seconds seconds, because its registry is slow or does not answer. Nothing was changed." \
        "pull it by hand ($(basename "${engine[0]}") pull $image), then deploy again. Or set server.image to another image, or server.rootFilesystem to a root file system."
    fi
    output+=${output:+$'\n'}$(tail -n 3 <<< "$answer")
  done
  fail "The image $reference is not on your computer and cannot be pulled. Nothing was changed." \
    "give the container engine access to a registry with the image. Or set server.image to another image, or server.rootFilesystem to a root file system." "$output"
}

# If a firewall drops the registry's packets, the engine would wait forever. --foreground keeps the process group, so that the
# engine is killed with this script.
with_timeout() {
  if ! command -v timeout > /dev/null; then "$@"; else timeout --foreground --kill-after=10 "$pull_seconds" "$@"; fi
}

with_namespace() {
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
  fail "The root file system $root_filesystem is neither a folder nor a tar archive with etc/os-release. Nothing was changed." \
    "set server.rootFilesystem, or the environment variable that overrides it, to a root file system."
}

down() {
  [[ -n ${PULUMI_COMMAND_STDOUT:-} ]] || fail "The id of the container is unknown." "look for the container and remove it: $* ps --all"
  remove "$PULUMI_COMMAND_STDOUT" "$@"
}

remove() {
  local name=$1 image
  shift
  image=$("$@" inspect --format '{{.Config.Image}}' "$name" 2> /dev/null) || image=''
  remove_container "$name" "$@"
  # An image that was imported for this container only.
  if [[ $image == "$root_images:root-"* ]]; then "$@" rmi "$image" > /dev/null 2>&1 || true; fi
}

remove_container() {
  local name=$1
  shift
  # Killed first, because `rm --force` waits for a clean shutdown.
  "$@" kill "$name" > /dev/null 2>&1 || true
  "$@" rm --force --volumes "$name" > /dev/null 2>&1 || true
}

# Fails if the port is in use, except by the container NAME, which is replaced. Arguments: PORT SETTING NAME ENGINE…
require_port() {
  local port=$1 setting=$2 name=$3
  shift 3
  connect "$port" || return 0
  exec 3>&- 3<&-
  local published
  published=$("$@" port "$name" 2> /dev/null) || published=''
  if [[ $published == *" -> 127.0.0.1:$port" || $published == *" -> 127.0.0.1:$port"$'\n'* ]]; then return 0; fi
  fail "Another program on your computer uses port $port of 127.0.0.1. Nothing was changed." \
    "choose another port with $setting, or stop the program. To find it: ss -ltnp 'sport = :$port'"
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

# Like fail in lib.sh. Arguments: WHAT FIX [LOG]
fail() {
  local line
  printf 'Error: %s\n' "$1" >&2
  if [[ -n ${3:-} ]]; then
    while IFS= read -r line; do printf '    %s\n' "$line"; done <<< "$3" >&2
  fi
  printf 'Fix: %s\n' "$2" >&2
  exit 1
}

main "$@"
