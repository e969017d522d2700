#!/usr/bin/env bash
# A server that others use too: what of it is this stack's is written down in /var/lib/uwsgi-nginx, so that nothing else
# is ever overwritten or removed. The file `stack` there says whose the server is.

record=/var/lib/uwsgi-nginx

is_host_claimed() { [[ -e $record/stack ]]; }

# Refuses a server that is another stack's or has foreign files in our places. Runs before anything is changed, and again.
# Arguments: STACK FILES
claim_host() {
  local stack=$1 files=$2 file owner
  owner=$(cat "$record/stack" 2> /dev/null || true)
  if [[ -n $owner && $owner != "$stack" ]]; then
    fail "this server is the stack $owner's; nothing was changed" \
      "Take another server, or put your apps into that stack. If there is no such stack any more, its apps are still there:" \
      "give this one its name, or remove them and then $record."
  fi
  if [[ -z $owner ]]; then
    for file in $files; do
      [[ ! -e $file ]] || fail "the server has $file already, and this stack needs that place; nothing was changed" \
        "Move it away on the server if it is not needed any more, or take another server."
    done
    mkdir -p "$record/apps"
    for file in /opt/apps /opt/uwsgi; do [[ -d $file ]] || printf '%s\n' "$file"; done > "$record/folders"
    printf '%s\n' "$stack" > "$record/stack.new"
    mv -fT "$record/stack.new" "$record/stack"
  fi
}

# Gives the server back. Argument: STACK
leave_host() {
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

leave_app() { rm -f "$record/apps/$1"; }

# How the users that were made for an app are known; by it, so that nobody else's user is ever removed. Argument: APP
user_comment() { printf 'uwsgi-nginx app %s' "$1"; }

own_users() {
  getent passwd | awk -F: -v comment="$(user_comment "$1")" '$5 == comment { print $1 }'
}
