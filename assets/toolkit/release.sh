#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2034 # declared or used by app.sh and activate.sh
# Makes a release of an app live; whatever fails, the one before stays live.

kept_releases=5
units_folder=/etc/systemd/system
# How far a switch has got.
is_switching=false
is_activated=false
# Whether the last one was cut off: nobody knows then what runs.
was_cut_off=false

release_app() {
  # Not local, like the manifest's.
  service=uwsgi@$app.service socket_unit=uwsgi@$app.socket releases=$folder/releases socket_folder=${socket%/*}
  before=$(cat "$folder/last-good" 2> /dev/null || true)
  remove_trial "$app"
  remove_command "$app"
  # Otherwise it was cut off when the release had worked.
  if [[ -e $folder/switching && $(cat "$folder/switching") == "$before" ]]; then
    was_cut_off=true is_switching=true is_activated=true
    if [[ -e $folder/moving ]]; then
      # While it gave the data to another user: nobody could say whose it is if this run failed too.
      withdraw
      was_cut_off=false is_activated=false
    fi
  fi
  owner=$(stat --format %u "$folder/shared" 2> /dev/null || id -u "$uid")
  undo_on_failure withdraw
  printf '%s' "$uwsgi_ini" > "$work/uwsgi.ini"
  [[ -e $folder/shared ]] || install -d -m 750 -o "$uid" -g "$group" "$folder/shared"
  make_release
  # Recorded first, so that the label of a release that fails is removed later.
  printf '%s\n' "$socket_folder" >> "$folder/socket-folders"
  label_socket_folder "$socket_folder"
  if [[ $before == "releases/$release" ]] && is_unchanged && is_live; then
    say "$app: release $release is already live"
  else
    # Not if the user changes: the data is not the new one's yet (activate).
    if is_owner; then
      run_release_commands
      try_release
    fi
    switch
  fi
  prune
}

# Whether the app's data is its user's.
is_owner() { [[ $owner == "$(id -u "$uid")" ]]; }

# Whether systemd has what the manifest says, and the link was not left on another release.
is_unchanged() {
  [[ $was_cut_off == false ]] && has_same_unit "$uwsgi_service" "$service" && has_same_unit "$uwsgi_socket" "$socket_unit" &&
    [[ $(readlink "$folder/current") == "$before" ]] && systemctl is-active --quiet "$socket_unit"
}

# Arguments: TEXT NAME
has_same_unit() { cmp --silent <(printf '%s' "$1") "$units_folder/$2"; }

make_release() {
  local new=$releases/.new-$release made_of
  made_of=$(cat "$code" "$work/uwsgi.ini" | sha256sum)
  # What runs have left that failed or were cut off.
  rm -rf "$releases"/.new-*
  # An interrupted run may have made this release while a later one was already uploading other files.
  if [[ $before != "releases/$release" && $(cat "$releases/$release/made-of" 2> /dev/null) != "$made_of" ]]; then
    rm -rf "${releases:?}/$release"
    install -d -m 751 -g "$group" "$new"
    unpack_code "$new/app"
    link_folders "$new/app"
    install -m 640 -g "$group" "$work/uwsgi.ini" "$new/uwsgi.ini"
    write_environment "$new"
    ln -s "$venv" "$new/venv"
    # By itself, a reload would start the uWSGI again that runs already. Not the path of the release, because uWSGI 2.0.21 ignores
    # binary-path and starts what it was called as.
    printf '#!/bin/sh\ncd %s/app || exit\nexport APP_RELEASE=%s\nexec %s/venv/bin/uwsgi --ini %s/uwsgi.ini\n' \
      "$folder/current" "$release" "$folder/current" "$folder/current" > "$new/reload"
    run_build_commands "$new"
    printf '%s\n' "$made_of" > "$new/made-of"
    chgrp "$group" "$new/reload" "$new/made-of"
    chmod 750 "$new/reload"
    chmod 640 "$new/made-of"
    publish_static "$new"
    sync_folder "$new"
    mv -T "$new" "$releases/$release"
  fi
}

# With the system's own Python, which runs nothing of the app. Argument: FOLDER
compile_code() {
  # shellcheck disable=SC2086 # a list of words
  "$python" $isolation -S -m compileall -q "$1" > /dev/null 2>&1 || true
}

# Only root and the app's group can read the code, and nobody but root can write to it. Argument: FOLDER
unpack_code() {
  # Closed until it is complete.
  mkdir -m 700 "$1"
  # All files of an archive have the same old time, and frameworks derive Last-Modified and ETag from a file's time and size.
  tar -xzf "$code" -C "$1" --no-same-owner --no-same-permissions --touch ||
    fail "The archive $code with the code of app $app is broken." "deploy again."
  # Otherwise they change what was compiled, in the same second perhaps.
  [[ -n $build_commands ]] || compile_code "$1"
  chgrp -R "$group" "$1"
  chmod -R u=rwX,g=rX,o= "$1"
}

# Writes the files of a release that systemd reads as root, and gives to the app as its environment. The app may read its id,
# which uWSGI reads where a reload is not by the script `reload`. Argument: FOLDER
write_environment() {
  install -m 640 -g "$group" /dev/null "$1/id"
  printf 'APP_RELEASE=%s\n' "$release" > "$1/id"
  if [[ -n $environment ]]; then
    install -m 600 /dev/null "$1/environment"
    printf '%s' "$environment" > "$1/environment"
  fi
  [[ -z $secrets ]] || take_secrets "$1/secrets"
}

# Argument: FILE
take_secrets() {
  local file=$state_folder/secrets/$app
  [[ $(head -n 1 "$file" 2> /dev/null) == "# $secrets" ]] ||
    fail "The secrets of app $app are not on the server anymore ($file)." "change one of them (apps.$app.secrets), then deploy again, which sends them."
  install -m 600 "$file" "$1"
}

# What uWSGI prints at every start, which does not help when an app fails.
uwsgi_chatter='^$|^Session terminated, |^\*\*\* |^(\[uWSGI\] |compiled with|os: |nodename: |machine: |clock source|detected |current working|your |lock engine|thunder lock|uwsgi socket|- SystemD socket|chdir|!!! no internal|Python (version|main)|--- Python VM|pcre jit|PEP 405|Set PythonHome|python threads|mapped |WSGI app 0 .* ready|spawned uWSGI|worker [0-9]+ buried|goodbye to uWSGI|VACUUM|SIG(INT|TERM|HUP)|[.]{3}|gracefully|Gracefully|binary reloading|closing all|found fd|running |\[pid: )'

what_is_live() { if [[ -n $before ]]; then printf 'Release %s stays live' "${before#releases/}"; else printf 'No release is live yet'; fi; }

# Ends the script; the live release is the one from before. Arguments: PROBLEM IDENTIFIER SINCE [ANSWERED]
# The next two say which lines of the journal are the app's: their identifier, because systemd 219 does not know the unit of
# a process that has ended by then, and seconds since 1970. ANSWERED says that a health check has found the problem.
fail_release() {
  local log said=''
  log=$(app_log "$2" "$3")
  if [[ -n ${4:-} ]]; then said=$(health_report)$'\n'; fi
  fail "Release $release of app $app $1. $(what_is_live)." "$(release_advice "$log" "$said")" "$said$log"
}

# Prints the fix for a release that does not work. Arguments: LOG ANSWER
release_advice() {
  local advice
  advice=$(write_advice "$1")
  if [[ -n $advice ]]; then printf '%s' "$advice"; elif [[ -n $2 ]]; then health_advice; else start_advice "$1"; fi
}

# Prints the last lines of the app's log, with a title. Arguments: IDENTIFIER SINCE, as for fail_release
app_log() {
  local log
  # What was printed last may still be on its way. systemd 219 does not know the option.
  journalctl --sync 2> /dev/null || sleep 1
  log=$(journalctl --identifier "$1" --since "@$2" --lines 100 --no-pager --output cat 2> /dev/null | hide_secrets | grep -v -E "$uwsgi_chatter" | tail -n 20) || true
  printf "Last lines of the app's log:\n%s" "${log:-(none)}"
}

switch() {
  local started change=reload
  started=$(date +%s)
  say "$app: release $release goes live"
  if [[ $was_cut_off == true ]] || ! { has_same environment && has_same secrets && has_same_unit "$uwsgi_service" "$service"; }; then change=restart; fi
  if ! { has_same_unit "$uwsgi_socket" "$socket_unit" && systemctl is-active --quiet "$socket_unit" && is_owner; }; then change=socket; fi
  remember
  write_text "$uwsgi_service" "$units_folder/$service"
  write_text "$uwsgi_socket" "$units_folder/$socket_unit"
  systemctl daemon-reload
  systemctl enable --quiet uwsgi.service "$service" "$socket_unit"
  link_current "releases/$release"
  start_pulse "$app: waiting until the release is live"
  # Not what its trial has answered.
  rm -f "$work/status" "$work/body"
  is_activated=true
  if ! { activate && wait_for "$timeout" is_live; }; then
    fail_release "does not answer over its socket" "uwsgi-$app" "$started" answered
  fi
  stop_pulse
  # Not the other apps: their own steps may be stopping and starting them.
  systemctl start --job-mode=ignore-dependencies uwsgi.service
  printf 'releases/%s\n' "$release" > "$work/last-good"
  install_file "$work/last-good" "$folder/last-good"
  # From here on, nothing is changed back.
  forget
  remove_socket_folders "$folder/socket-folders" "$socket_folder"
  printf '%s\n' "$socket_folder" > "$folder/socket-folders"
  touch "$releases/$release"
}

link_current() {
  ln -sfn "$1" "$folder/current.new"
  mv -fT "$folder/current.new" "$folder/current"
}

# Keeps what a switch changes, in such a way that restoring it needs no space on the disk. The file `switching` says that it
# is complete, and of which release. What a switch has kept that was cut off is from before that.
remember() {
  local name
  if [[ $was_cut_off == false ]]; then
    forget
    if [[ -n $before ]]; then ln -sfnT "$before" "$folder/current.before"; fi
    for name in "$service" "$socket_unit"; do
      # An empty file stands for none.
      if [[ -e $units_folder/$name ]]; then cp -p "$units_folder/$name" "$units_folder/$name.before"; else : > "$units_folder/$name.before"; fi
    done
    printf '%s\n' "$before" > "$folder/switching"
  fi
  is_switching=true
}

forget() {
  is_switching=false
  rm -f "$folder/switching" "$folder/moving" "$folder/folders.before"
  rm -f "$folder/current.before" "$units_folder/$service.before" "$units_folder/$socket_unit.before"
}

# Restores the release before. The first one of an app is removed as a whole (undo_first).
withdraw() {
  local name
  [[ $is_switching == true && -n $before ]] || return 0
  is_switching=false
  if [[ -L $folder/current.before ]]; then mv -fT "$folder/current.before" "$folder/current" || true; fi
  if [[ $is_activated == true ]]; then systemctl stop "$socket_unit" "$service" 2> /dev/null || true; fi
  for name in "$service" "$socket_unit"; do
    if [[ -s $units_folder/$name.before ]]; then
      mv -fT "$units_folder/$name.before" "$units_folder/$name" || true
    elif [[ -e $units_folder/$name.before ]]; then
      systemctl disable --quiet "$name" 2> /dev/null || true
      rm -f "$units_folder/$name" "$units_folder/$name.before"
    fi
  done
  systemctl daemon-reload || true
  if [[ $is_activated == true ]]; then withdraw_running; fi
  # Otherwise the next run tries again.
  [[ -e $folder/moving ]] || rm -f "$folder/switching"
}

# Runs the release before again.
withdraw_running() {
  local former other
  if [[ -e $folder/moving ]]; then
    read -r former other < "$folder/moving" || true
    if move_data "$other" "$(id -un "$former")"; then rm -f "$folder/moving"; fi
  fi
  open_folders || true
  systemctl reset-failed "$service" 2> /dev/null || true
  if [[ -e $units_folder/$socket_unit ]]; then systemctl start "$socket_unit" || true; fi
  systemctl restart "$service" || true
}

# Whether the release and the one before have the same file, or none. Argument: NAME
has_same() {
  [[ ! -e $folder/$before/$1 && ! -e $releases/$release/$1 ]] || cmp --silent "$folder/$before/$1" "$releases/$release/$1"
}

# Removes all but the last few releases, and the environments and users that are not needed.
prune() {
  local name user used=''
  # Those of version 0.2.0 are open to everybody who gets to them.
  find "$releases" -mindepth 2 -maxdepth 2 -name app -type d -perm -001 -exec chgrp "$group" {} \; -exec chmod 750 {} \;
  find "$releases" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%T@ %f\n' | sort -rn | tail -n "+$((kept_releases + 1))" |
    while read -r _ name; do
      if [[ $name != "$release" ]]; then rm -rf "${releases:?}/$name"; fi
    done
  for name in "$releases"/*/venv; do used+=" $(readlink "$name") "; done
  for name in "$folder"/venvs/*; do
    if [[ $used != *" $name "* ]]; then rm -rf "$name"; fi
  done
  for user in $(own_users "$app"); do
    if [[ $user != "$uid" ]]; then remove_user "$user"; fi
  done
}
