#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Public copies of an app's static folders, which nginx serves: it may not read the app's code.

# Puts them into a new release: static/NAME. static_folders is a list of NAME=FOLDER; a name is that of a URL path.
# Argument: NEW_RELEASE
publish_static() {
  local new=$1 pair
  [[ -n $static_folders ]] || return 0
  # Nobody else gets there before all is as it should be.
  install -d -m 700 "$new/static"
  for pair in $static_folders; do publish_folder "$new/app/${pair#*=}" "$new/static/${pair%%=*}" "${pair#*=}"; done
  chmod 751 "$new/static"
}

# The app's user reads the folder, so nothing is published that the app may not read, wherever a link leads. Arguments: FOLDER
# COPY NAME
publish_folder() {
  if ! (close_locks && exec runuser -u "$uid" -- test -d "$1"); then
    fail "The code of release $release of app $app has no folder $3, which apps.$app.static names." \
      "correct apps.$app.static, or make the folder, by hand or by a build command, then deploy again."
  fi
  install -d -m 700 "$2"
  (close_locks && exec runuser -u "$uid" -- tar -C "$1" -cf - .) | tar -C "$2" -xf - --no-same-owner --no-same-permissions ||
    fail "The folder $3 of app $app, which apps.$app.static names, could not be copied." \
      "solve the problem that tar reports above, then deploy again."
  # Links, devices, pipes; and what is not meant to be seen, such as .git.
  find "$2" ! -type f ! -type d -delete
  find "$2" -mindepth 1 -name '.*' -prune -exec rm -rf {} +
  find "$2" -type f -exec chmod 644 {} +
  find "$2" -type d -exec chmod 751 {} +
}
