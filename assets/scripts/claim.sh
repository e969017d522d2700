#!/usr/bin/env bash
# A server that others use too: what of it is this stack's is written down in /var/lib/uwsgi-nginx, so that nothing else
# is ever overwritten or removed. The file `stack` there says whose the server is.

record=/var/lib/uwsgi-nginx

is_server_claimed() { [[ -e $record/stack ]]; }

# Refuses a server that is another stack's or has foreign files in our places. Changes nothing. Arguments: STACK FILES
require_own_server() {
  local stack=$1 files=$2 file owner
  if is_server_claimed; then
    owner=$(cat "$record/stack")
    [[ $owner == "$stack" ]] || fail "this server is the stack $owner's; nothing was changed" \
      "Take another server, or put your apps into that stack." \
      "If that is the old name of this one, or one that is lost and that this one takes the place of, say so on the server:" \
      "echo $stack > $record/stack"
    return 0
  fi
  for file in $files; do
    [[ ! -e $file ]] || fail "the server has $file already, and this stack needs that place; nothing was changed" \
      "Move it away on the server if it is not needed any more, or take another server."
  done
}

# Argument: STACK
claim_server() {
  local folder
  mkdir -p "$record/apps"
  for folder in /opt/apps /opt/uwsgi; do [[ -d $folder ]] || printf '%s\n' "$folder"; done > "$record/folders"
  printf '%s\n' "$1" > "$record/stack.new"
  mv -fT "$record/stack.new" "$record/stack"
}

# Gives the server back. Argument: STACK
leave_server() {
  local folder
  [[ $(cat "$record/stack" 2> /dev/null) == "$1" ]] || return 0
  # A compilation that was cut off may have left something; nobody else has a place of that name.
  if grep --quiet --line-regexp /opt/uwsgi "$record/folders"; then rm -rf /opt/uwsgi; fi
  while read -r folder; do rmdir --ignore-fail-on-non-empty "$folder" 2> /dev/null || true; done < "$record/folders"
  rm -rf "$record" /run/lock/uwsgi-nginx-*
}

# A script that fails is no resource yet, so nobody would call its `down` later.
undo_on_failure() { trap '(($? == 0)) || down' EXIT; }

# Refuses an app in whose places there is something that it did not put there. Arguments: APP PLACE…
claim_app() {
  local app=$1 place
  shift
  [[ ! -e $record/apps/$app ]] || return 0
  for place; do
    [[ ! -e $place ]] || fail "the server has $place already, and it is not app $app's; it was left as it is" \
      "Call the app something else in the settings, or move that away on the server, then run up again."
  done
  mkdir -p "$record/apps"
  : > "$record/apps/$app"
}

# Whether it was claimed. Argument: APP
is_claimed() { [[ -e $record/apps/$1 ]]; }

claimed_apps() { [[ ! -d $record/apps ]] || ls "$record/apps"; }

leave_app() { rm -f "$record/apps/$1"; }

# How the users that were made for an app are known; by it, so that nobody else's user is ever removed. Argument: APP
user_comment() { printf 'uwsgi-nginx app %s' "$1"; }

own_users() {
  getent passwd | awk -F: -v comment="$(user_comment "$1")" '$5 == comment { print $1 }'
}
