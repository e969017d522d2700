#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Makes a release of an app live and rolls back if it does not work; or removes the app's unit.

kept_releases=5

release_app() {
  local before service=uwsgi@$app.service releases=$folder/releases socket_folder=${socket%/*} comment
  local unit=/etc/systemd/system/$service
  comment=$(user_comment "$app")
  before=$(cat "$folder/last-good" 2> /dev/null || true)
  printf '%s' "$uwsgi_ini" > "$work/uwsgi.ini"
  printf '%s' "$uwsgi_service" > "$work/uwsgi.service"
  make_user
  make_release
  # Recorded first, so that the label of a release that fails is removed later.
  printf '%s\n' "$socket_folder" >> "$folder/socket-folders"
  label_socket_folder "$socket_folder"
  install -d -m 750 -o "$uid" -g "$group" "$folder/shared"
  if [[ $before == "releases/$release" ]] && cmp --silent "$work/uwsgi.service" "$unit" && is_live; then
    say "$app: release $release is already live"
  else
    try_release
    switch
  fi
  prune
}

make_user() {
  local entry
  if entry=$(getent passwd "$uid"); then
    if [[ $(id -u "$uid") == 0 ]]; then
      fail "The user $uid of app $app is root." "choose another user with apps.$app.uid."
    fi
    if [[ $uid_given != true && $entry != *":$comment:"* ]]; then
      fail "The server already has a user $uid, who was not made for app $app." \
        "choose another user with apps.$app.uid, or set it to $uid to use this one."
    fi
    return 0
  fi
  local own_group=--user-group
  if getent group "$uid" > /dev/null; then own_group=--gid=$uid; fi
  quietly "Making the user $uid" useradd --system "$own_group" --no-create-home --home-dir "$folder" \
    --shell /sbin/nologin --comment "$comment" "$uid"
}

make_release() {
  local new=$releases/.new-$release made_of
  made_of=$(cat "$code" "$work/uwsgi.ini" | sha256sum)
  # An interrupted run may have made this release while a later one was already uploading other files.
  if [[ $before != "releases/$release" && $(cat "$releases/$release/made-of" 2> /dev/null) != "$made_of" ]]; then
    rm -rf "$new" "${releases:?}/$release"
    mkdir -p "$new/app"
    # All files of an archive have the same old time, and frameworks derive Last-Modified and ETag from a file's time and size.
    tar -xzf "$code" -C "$new/app" --no-same-owner --touch ||
      fail "The archive $code with the code of app $app is broken." "deploy again."
    install -m 644 "$work/uwsgi.ini" "$new/uwsgi.ini"
    [[ -z $secrets ]] || take_secrets "$new/environment"
    ln -s "$venv" "$new/venv"
    # By itself, a reload would start the uWSGI again that runs already.
    printf '#!/bin/sh\nexec %s/venv/bin/uwsgi --ini %s/uwsgi.ini\n' "$folder/current" "$folder/current" > "$new/reload"
    chmod 755 "$new/reload"
    printf '%s\n' "$chown_socket $chmod_socket" > "$new/socket-access"
    printf '%s\n' "$made_of" > "$new/made-of"
    "$venv/bin/python" -m compileall -q "$new/app" > /dev/null 2>&1 || true
    mv -T "$new" "$releases/$release"
  fi
  install_uwsgi
}

# systemd reads them as root and gives them to the app as its environment. Argument: FILE
take_secrets() {
  local file=$state_folder/secrets/$app
  [[ $(head -n 1 "$file" 2> /dev/null) == "# $secrets" ]] ||
    fail "The secrets of app $app are not on the server anymore ($file)." "change one of them (apps.$app.secrets), then deploy again, which sends them."
  install -m 600 "$file" "$1"
}

# Runs the release by itself, as the app's user, and sends it a request over HTTP on the loopback address.
try_release() {
  local ini=$work/trial.ini log=$work/trial.log environment=$releases/$release/environment trial_port status problem locale
  say "$app: trying release $release"
  chmod 755 "$work"
  ln -sfnT "releases/$release" "$folder/trial"
  [[ -e $environment ]] || environment=/dev/null
  printf '%s' "$trial_ini" > "$ini"
  # The locale that systemd gives the unit.
  mapfile -t locale < <(systemctl show-environment | grep --extended-regexp '^(LANG|LANGUAGE|LC_[A-Z]+)=')
  (
    close_locks
    # The app's own user evaluates its secrets, whose file that user may not read.
    # shellcheck disable=SC2016 # expanded by that bash
    exec runuser -u "$uid" -- env -i PATH="$PATH" ${locale[@]+"${locale[@]}"} \
      bash -c 'set -a; eval "$(cat)"; exec "$@" < /dev/null' trial "$venv/bin/uwsgi" --ini "$ini" < "$environment"
  ) > "$log" 2>&1 &
  trial=$!
  start_pulse "$app: waiting until the release starts and answers"
  wait_for "$timeout" trial_is_ready || true
  trial_port=$(sed -n 's/.*bound to TCP address 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$log" | head -n 1)
  if ! kill -0 "$trial" 2> /dev/null || [[ -z $trial_port ]]; then
    fail_release "does not start" "$log"
  fi
  status=$(http_get "http://127.0.0.1:$trial_port$path" "$host_header" "$timeout" "$work/body")
  problem=$(health_problem "$status" "$work/body" "$contains")
  if [[ -n $problem ]]; then fail_release "$problem (path $path)" "$log"; fi
  stop_pulse
  stop_trial
}

# What uWSGI prints at every start, which does not help when an app fails.
uwsgi_chatter='^$|^Session terminated, |^\*\*\* |^(\[uWSGI\] |compiled with|os: |nodename: |machine: |clock source|detected |current working|your |lock engine|thunder lock|uwsgi socket|chdir|!!! no internal|Python (version|main)|--- Python VM|pcre jit|PEP 405|Set PythonHome|python threads|mapped |WSGI app 0 .* ready|spawned uWSGI|\[pid: )'

trial=''
trial_is_ready() {
  ! kill -0 "$trial" 2> /dev/null || grep --quiet 'spawned uWSGI worker' "$work/trial.log" 2> /dev/null
}

stop_trial() {
  [[ -n $trial ]] || return 0
  kill -TERM "$trial" 2> /dev/null || true
  wait_for 5 trial_has_ended || pkill -KILL --parent "$trial" || true
  wait "$trial" 2> /dev/null || true
  trial=''
  rm -f "$folder/trial"
}

trial_has_ended() { ! kill -0 "$trial" 2> /dev/null; }

# Ends the script; the live release is the one from before. Arguments: PROBLEM LOG_FILE
fail_release() {
  local live="No release is live yet"
  if [[ -n $before ]]; then live="Release ${before#releases/} stays live"; fi
  stop_trial
  fail "Release $release of app $app $1. $live." "correct the app or its settings (apps.$app), then deploy again." \
    "Last lines of the app's log:"$'\n'"$({ grep -v -E "$uwsgi_chatter" "$2" || echo "(none)"; } | tail -n 20)"
}

# Makes the release live; if that fails, everything is as before.
switch() {
  local started restart=false
  started=$(date +%s)
  say "$app: release $release goes live"
  link_current "releases/$release"
  if ! cmp --silent "$work/uwsgi.service" "$unit"; then
    install_file "$work/uwsgi.service" "$unit"
    restart=true
  fi
  # A reload changes neither the owner and mode of the socket nor the environment.
  if [[ -n $before ]] && ! { has_same socket-access && has_same environment; }; then restart=true; fi
  systemctl daemon-reload
  systemctl enable --quiet uwsgi.service "$service"
  start_pulse "$app: waiting until the release is live"
  if ! { activate "$restart" && wait_for "$timeout" is_live; }; then roll_back "$started"; fi
  stop_pulse
  systemctl start uwsgi.service
  unlabel_socket_folders "$folder/socket-folders" "$socket_folder"
  printf '%s\n' "$socket_folder" > "$folder/socket-folders"
  install_file "$unit" "$releases/$release/uwsgi.service"
  printf 'releases/%s\n' "$release" > "$work/last-good"
  install_file "$work/last-good" "$folder/last-good"
  touch "$releases/$release"
}

# Whether the release and the one before have the same file, or none. Argument: NAME
has_same() {
  [[ ! -e $folder/$before/$1 && ! -e $releases/$release/$1 ]] || cmp --silent "$folder/$before/$1" "$releases/$release/$1"
}

link_current() {
  ln -sfn "$1" "$folder/current.new"
  mv -fT "$folder/current.new" "$folder/current"
}

# A reload keeps the socket open and lets every request finish. A changed unit or access to the socket needs a restart.
activate() {
  systemctl reset-failed "$service" 2> /dev/null || true
  if [[ $1 == false && $(systemctl show --property CanReload "$service") == CanReload=yes ]] && systemctl is-active --quiet "$service"; then
    systemctl reload "$service"
  else
    systemctl restart "$service"
  fi
}

# Whether the main process runs this release, by its working directory, and answers nginx's user over the socket.
is_live() {
  local main status
  main=$(systemctl show --property MainPID "$service")
  # Read as the app's user, because in a container even root may not read it.
  [[ $(runuser -u "$uid" -g "$group" -- readlink "/proc/${main#MainPID=}/cwd") == "$releases/$release/app" ]] || return 1
  uwsgi_get > "$work/answer" 2> /dev/null || return 1
  IFS= read -r status < "$work/answer"
  tail -n +2 "$work/answer" > "$work/body"
  [[ -z $(health_problem "$status" "$work/body" "$contains") ]]
}

# Sends a GET request as nginx does: over the app's socket, in the uwsgi protocol, as nginx's user. Prints the status, then
# the body. https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
uwsgi_get() {
  runuser -u "$nginx_user" -- "$venv/bin/python" - "$socket" "$path" "$host_header" "$port" "$timeout" << 'EOF'
import socket, struct, sys

def text(value):
    value = value.encode("utf-8") if not isinstance(value, bytes) else value
    return struct.pack("<H", len(value)) + value

name, path, host_header, port, seconds = sys.argv[1:6]
query = path.partition("?")[2]
variables = {
    "REQUEST_METHOD": "GET", "REQUEST_URI": path, "PATH_INFO": path.partition("?")[0], "QUERY_STRING": query,
    "HTTP_HOST": host_header, "SERVER_NAME": host_header, "SERVER_PORT": port, "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "", "CONTENT_LENGTH": "",
}
body = b"".join(text(key) + text(value) for key, value in variables.items())
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(float(seconds))
connection.connect(name)
connection.sendall(struct.pack("<BHB", 0, len(body), 0) + body)
answer = b""
while True:
    part = connection.recv(65536)
    if not part:
        break
    answer += part
head, _, content = answer.partition(b"\r\n\r\n")
out = getattr(sys.stdout, "buffer", sys.stdout)
out.write(head.split(b" ")[1][:3] + b"\n" + content)
EOF
}

# Restores the previous release. Argument: start of the switch in seconds since 1970
roll_back() {
  local log=$work/journal
  journalctl --identifier "uwsgi-$app" --since "@$1" --lines 40 --no-pager --output cat > "$log" 2> /dev/null || true
  if [[ -n $before ]]; then
    link_current "$before"
    install_file "$folder/$before/uwsgi.service" "$unit"
    systemctl daemon-reload
    systemctl reset-failed "$service" 2> /dev/null || true
    systemctl restart "$service" || true
  else
    systemctl disable --now --quiet "$service" 2> /dev/null || true
    rm -f "$unit" "$folder/current"
    systemctl daemon-reload
  fi
  fail_release "does not answer over its socket" "$log"
}

# Removes all but the last few releases, and the environments and users that are not needed.
prune() {
  local name user used=''
  find "$releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | tail -n "+$((kept_releases + 1))" |
    while read -r _ name; do
      if [[ $name != "$release" ]]; then rm -rf "${releases:?}/$name"; fi
    done
  for name in "$releases"/*/venv; do used+=" $(readlink "$name") "; done
  for name in "$folder"/venvs/*; do
    if [[ $used != *" $name "* ]]; then rm -rf "$name"; fi
  done
  for user in $(own_users "$app"); do
    if [[ $user != "$uid" ]]; then userdel "$user" || true; fi
  done
}
