#!/usr/bin/env bash
# Makes an app's folder, with a place in it that the login user may copy the code to; or removes it with all that is in it,
# and the users that were made for the app.
# Usage: up|down NAME=VALUE… (places is a list of words: what else will be the app's)

main() {
  local app='' folder='' places='' upload='' user=''
  local action=$1
  shift
  parameters "$@"
  "$action"
}

up() {
  # shellcheck disable=SC2086 # one word a place
  claim_app "$app" "$folder" $places
  mkdir -p "$(dirname "$upload")"
  [[ -e $upload ]] || : > "$upload"
  chown "$user" "$upload"
}

down() {
  local user
  is_claimed "$app" || return 0
  for user in $(own_users "$app"); do userdel "$user"; done
  rm -rf "$folder"
  leave_app "$app"
}
