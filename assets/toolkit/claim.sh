#!/usr/bin/env bash
# Records in /var/lib/uwsgi-nginx what on the server belongs to this stack, so that files of other sites are never
# overwritten or removed. The file `stack` in it names the stack that owns the server.

state_folder=/var/lib/uwsgi-nginx

is_server_claimed() { [[ -e $state_folder/stack ]]; }

# Fails if the server belongs to another stack, or if files exist in the stack's paths. Changes nothing. Arguments: STACK FILES
require_own_server() {
  local stack=$1 files=$2 file owner
  if is_server_claimed; then
    owner=$(claimed_by)
    [[ $owner == "$stack" ]] || fail "This server belongs to the stack $owner. Nothing was changed." \
      "use another server, or add your apps to that stack. If that stack was renamed or lost, take the server over by running there: echo $stack > $state_folder/stack"
    return 0
  fi
  for file in $files; do
    [[ ! -e $file ]] || fail "The server already has $file, a path that this stack needs. Nothing was changed." \
      "move that file away on the server if it is not needed, or use another server."
  done
}

# Argument: STACK
claim_server() {
  local folder
  mkdir -p "$state_folder/apps"
  for folder in /opt/apps /opt/uwsgi; do [[ -d $folder ]] || printf '%s\n' "$folder"; done > "$state_folder/folders"
  printf '%s\n' "$1" > "$state_folder/stack.new"
  mv -fT "$state_folder/stack.new" "$state_folder/stack"
}

# Prints the stack that owns the server, or nothing.
claimed_by() { cat "$state_folder/stack" 2> /dev/null || true; }

# Gives up the claim.
# shellcheck disable=SC2154 # of lib.sh
unclaim_server() {
  local folder
  while read -r folder; do rmdir --ignore-fail-on-non-empty "$folder" 2> /dev/null || true; done < "$state_folder/folders"
  rm -rf "$state_folder" "$locks_folder" /run/uwsgi-nginx-trial
}

# Fails if files that do not belong to the app exist in its paths. Arguments: APP PATH…
claim_app() {
  local app=$1 path
  shift
  [[ ! -e $state_folder/apps/$app ]] || return 0
  for path; do
    [[ ! -e $path ]] || fail "The server already has $path, which does not belong to app $app." \
      "rename the app in the settings, or move that path away on the server, then deploy again."
  done
  mkdir -p "$state_folder/apps"
  : > "$state_folder/apps/$app"
}

# Argument: APP
is_claimed() { [[ -e $state_folder/apps/$1 ]]; }

claimed_apps() { [[ ! -d $state_folder/apps ]] || ls "$state_folder/apps"; }

unclaim_app() { rm -f "$state_folder/apps/$1"; }

# The comment in /etc/passwd that marks the users made for an app, so that no other user is ever removed. Argument: APP
user_comment() { printf 'uwsgi-nginx app %s' "$1"; }

own_users() {
  getent passwd | awk -F: -v comment="$(user_comment "$1")" '$5 == comment { print $1 }'
}
