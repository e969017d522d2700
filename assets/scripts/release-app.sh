#!/usr/bin/env bash
# Makes a release of an app live, or withdraws it when it does not work; or takes the app out of service.
# Usage: up|down NAME=VALUE…
#
# On the server: /opt/apps/APP/config    what the stack wants (code, ini, unit, site), not yet in force
#              /opt/apps/APP/releases  ID/{app,venv,uwsgi.ini,uwsgi.service}, each complete and never changed
#              /opt/apps/APP/current   link to the release that is live
#              /opt/apps/APP/last-good the release that was last seen to work: what a failure goes back to
#              /opt/apps/APP/shared    the app's own folder for data, kept over releases

kept_releases=5

main() {
  local app='' folder='' uid='' uid_given='' group='' release='' archive='' venv='' wheels='' uwsgi_version='' socket=''
  local nginx_user='' host_header='' path='' contains='' timeout=''
  local action=$1
  shift
  parameters "$@"
  local service="uwsgi@$app.service" releases=$folder/releases comment
  local unit=/etc/systemd/system/$service work
  comment=$(user_comment "$app")
  lock "app-$app" 1200
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name as it is now
  trap "stop_trial; rm -rf '$work'" EXIT
  "$action"
}

up() {
  local before
  before=$(cat "$folder/last-good" 2> /dev/null || true)
  make_user
  make_release
  label_socket_folder "$(dirname "$socket")"
  install -d -m 750 -o "$uid" -g "$group" "$folder/shared"
  if [[ $before == "releases/$release" ]] && cmp --silent "$folder/config/uwsgi.service" "$unit" && is_live; then
    say "$app: release $release is live already"
  else
    try_release
    switch
  fi
  prune
}

down() {
  systemctl disable --now --quiet "$service" 2> /dev/null || true
  rm -f "$unit"
  systemctl daemon-reload
  systemctl reset-failed "$service" 2> /dev/null || true
  unlabel_socket_folder "$(dirname "$socket")"
}

make_user() {
  local entry
  if entry=$(getent passwd "$uid"); then
    if [[ $(id -u "$uid") == 0 ]]; then fail "the user $uid of app $app is root" "Choose another user with apps.$app.uid."; fi
    if [[ $uid_given != true && $entry != *":$comment:"* ]]; then
      fail "the server has a user $uid already, who is not app $app's" "Choose another user with apps.$app.uid, or name this one there to use it."
    fi
    return 0
  fi
  local own_group=--user-group
  if getent group "$uid" > /dev/null; then own_group=--gid=$uid; fi
  quietly "making the user $uid" useradd --system "$own_group" --no-create-home --home-dir "$folder" \
    --shell /sbin/nologin --comment "$comment" "$uid"
}

make_release() {
  local new=$releases/.new-$release made_of
  made_of=$(cat "$archive" "$folder/config/uwsgi.ini" | sha256sum)
  # A run that was cut off may have put it together while a later one already changed what it is made of.
  if [[ $before != "releases/$release" && $(cat "$releases/$release/made-of" 2> /dev/null) != "$made_of" ]]; then
    rm -rf "$new" "${releases:?}/$release"
    mkdir -p "$new/app"
    tar -xzf "$archive" -C "$new/app" --no-same-owner || fail "the app's archive $archive is broken" "Run up again."
    install -m 644 "$folder/config/uwsgi.ini" "$new/uwsgi.ini"
    ln -s "$venv" "$new/venv"
    printf '%s\n' "$made_of" > "$new/made-of"
    "$venv/bin/python" -m compileall -q "$new/app" > /dev/null 2>&1 || true
    mv -T "$new" "$releases/$release"
  fi
  [[ -x $venv/bin/uwsgi ]] || quietly "installing uWSGI into $venv" \
    "$venv/bin/pip" install --no-index --find-links "$wheels" "uwsgi==$uwsgi_version"
}

# Runs the release by itself, as the app's user, and asks it over HTTP on the loopback address.
try_release() {
  local ini=$work/try.ini log=$work/try.log port status problem locale
  say "$app: trying release $release"
  chmod 755 "$work"
  # The release's own settings, but for the socket, which belongs to what is live.
  sed -e '/^\(socket\|chown-socket\|chmod-socket\|vacuum\|processes\|die-on-term\) = /d' -e "s|$folder/current|$releases/$release|" \
    "$releases/$release/uwsgi.ini" > "$ini"
  # The language that systemd gives the unit.
  mapfile -t locale < <(systemctl show-environment | grep --extended-regexp '^(LANG|LANGUAGE|LC_[A-Z]+)=')
  runuser -u "$uid" -- env -i PATH="$PATH" ${locale[@]+"${locale[@]}"} "$venv/bin/uwsgi" --ini "$ini" --processes 1 --die-on-term --http-socket 127.0.0.1:0 > "$log" 2>&1 9>&- &
  trial=$!
  wait_for "$timeout" trial_is_ready || true
  port=$(sed -n 's/.*bound to TCP address 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$log" | head -n 1)
  if ! kill -0 "$trial" 2> /dev/null || [[ -z $port ]]; then
    reject "does not start" "$log"
  fi
  status=$(ask_http "http://127.0.0.1:$port$path" "$host_header" "$timeout" "$work/body")
  problem=$(verdict "$status" "$work/body" "$contains")
  if [[ -n $problem ]]; then reject "$problem when asked for $path" "$log"; fi
  stop_trial
}

# What uWSGI says at every start, which is no help when an app fails.
uwsgi_chatter='^$|^\*\*\* |^(\[uWSGI\] |compiled with|os: |nodename: |machine: |clock source|detected |current working|your |lock engine|thunder lock|uwsgi socket|chdir|!!! no internal|Python (version|main)|PEP 405|Set PythonHome|python threads|mapped |WSGI app 0 .* ready|spawned uWSGI|\[pid: )'

trial=''
trial_is_ready() {
  ! kill -0 "$trial" 2> /dev/null || grep --quiet 'spawned uWSGI worker' "$work/try.log" 2> /dev/null
}

stop_trial() {
  [[ -n $trial ]] || return 0
  kill -TERM "$trial" 2> /dev/null || true
  wait_for 5 trial_is_gone || pkill -KILL --parent "$trial" || true
  wait "$trial" 2> /dev/null || true
  trial=''
}

trial_is_gone() { ! kill -0 "$trial" 2> /dev/null; }

# Ends without having changed what is live. Arguments: PROBLEM LOG_FILE
reject() {
  local stays="nothing is live yet"
  if [[ -n $before ]]; then stays="release ${before#releases/} stays live"; fi
  say "Last lines of the app's log:"
  { grep -v -E "$uwsgi_chatter" "$2" || echo "(none)"; } | tail -n 20 | sed 's/^/  | /' >&2
  stop_trial
  fail "app $app, release $release: it $1; $stays" "Mend the app or its settings (apps.$app), then run up again."
}

# Makes the release live; if that fails, everything is as before.
switch() {
  local since restart=false old_socket_folder=''
  since=$(date +%s)
  say "$app: release $release goes live"
  point_to "releases/$release"
  if ! cmp --silent "$folder/config/uwsgi.service" "$unit"; then
    [[ ! -f $unit ]] || old_socket_folder=/run/$(sed -n 's/^RuntimeDirectory=//p' "$unit")
    install_file "$folder/config/uwsgi.service" "$unit"
    restart=true
  fi
  # A reload keeps the socket as it is.
  if [[ -n $before && $(socket_access "$folder/$before") != $(socket_access "$releases/$release") ]]; then restart=true; fi
  systemctl daemon-reload
  systemctl enable --quiet uwsgi.service "$service"
  if ! { activate "$restart" && wait_for "$timeout" is_live; }; then withdraw "$since"; fi
  systemctl start uwsgi.service
  if [[ -n $old_socket_folder && $old_socket_folder != "$(dirname "$socket")" ]]; then unlabel_socket_folder "$old_socket_folder"; fi
  install_file "$unit" "$releases/$release/uwsgi.service"
  printf 'releases/%s\n' "$release" > "$work/last-good"
  install_file "$work/last-good" "$folder/last-good"
  touch "$releases/$release"
}

# Argument: RELEASE_FOLDER
socket_access() { grep '^ch\(own\|mod\)-socket = ' "$1/uwsgi.ini" || true; }

point_to() {
  ln -sfn "$1" "$folder/current.new"
  mv -fT "$folder/current.new" "$folder/current"
}

# A reload keeps the socket open and lets every request finish; a changed unit or access to the socket needs a restart.
activate() {
  systemctl reset-failed "$service" 2> /dev/null || true
  if [[ $1 == false && $(systemctl show --property CanReload "$service") == CanReload=yes ]] && systemctl is-active --quiet "$service"; then
    systemctl reload "$service"
  else
    systemctl restart "$service"
  fi
}

# The main process runs this release (its folder tells), and nginx's user gets a good answer over the socket.
is_live() {
  local main status
  main=$(systemctl show --property MainPID "$service")
  # As the app's user: even root may not look at another's folder in a container.
  [[ $(runuser -u "$uid" -g "$group" -- readlink "/proc/${main#MainPID=}/cwd") == "$releases/$release/app" ]] || return 1
  ask_socket > "$work/answer" 2> /dev/null || return 1
  IFS= read -r status < "$work/answer"
  tail -n +2 "$work/answer" > "$work/body"
  [[ -z $(verdict "$status" "$work/body" "$contains") ]]
}

# Asks the app as nginx does: over its socket, in uWSGI's protocol, as nginx's user. Prints the status, then the body.
ask_socket() {
  runuser -u "$nginx_user" -- "$venv/bin/python" - "$socket" "$path" "$host_header" "$timeout" << 'EOF'
import socket, struct, sys

def text(value):
    value = value.encode("utf-8") if not isinstance(value, bytes) else value
    return struct.pack("<H", len(value)) + value

name, path, host_header, seconds = sys.argv[1:5]
query = path.partition("?")[2]
variables = {
    "REQUEST_METHOD": "GET", "REQUEST_URI": path, "PATH_INFO": path.partition("?")[0], "QUERY_STRING": query,
    "HTTP_HOST": host_header, "SERVER_NAME": host_header, "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
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

# Puts back what was live before. Argument: when the switch began, in seconds since 1970
withdraw() {
  local log=$work/journal
  journalctl --identifier "uwsgi-$app" --since "@$1" --lines 40 --no-pager --output cat > "$log" 2> /dev/null || true
  if [[ -n $before ]]; then
    point_to "$before"
    install_file "$folder/$before/uwsgi.service" "$unit"
    systemctl daemon-reload
    systemctl reset-failed "$service" 2> /dev/null || true
    systemctl restart "$service" || true
  else
    systemctl disable --now --quiet "$service" 2> /dev/null || true
    rm -f "$unit" "$folder/current"
    systemctl daemon-reload
  fi
  reject "did not come up behind its socket" "$log"
}

# Keeps the last few releases and the environments that they use.
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
