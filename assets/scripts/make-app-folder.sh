#!/usr/bin/env bash
# Makes an app's folder and a file in it that the login user may upload the code to; or removes the folder with its content
# and the users made for the app.
# Usage: up|down NAME=VALUE… (paths is a list of words: the app's other files)

main() {
  local app='' folder='' paths='' upload='' user=''
  local action=$1
  shift
  parameters "$@"
  "$action"
}

up() {
  # shellcheck disable=SC2086 # a list of words
  claim_app "$app" "$folder" $paths
  mkdir -p "$(dirname "$upload")"
  [[ -e $upload ]] || : > "$upload"
  chown "$user" "$upload"
}

down() {
  local user
  is_claimed "$app" || return 0
  for user in $(own_users "$app"); do userdel "$user"; done
  rm -rf "$folder"
  unclaim_app "$app"
}
