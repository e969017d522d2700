#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Tries a release: runs it beside the live one, in a transient unit that is the app's own but for what is said here, and sends
# it a request.

trial_folder=/run/uwsgi-nginx-trial
is_tried=false

try_release() {
  local name=uwsgi-trial@$app started problem
  say "$app: trying release $release"
  started=$(date +%s)
  is_tried=true
  ln -sfnT "releases/$release" "$folder/trial"
  write_text "$(trial_ini)"$'\n' "$folder/releases/trial.ini"
  chgrp "$group" "$folder/releases/trial.ini"
  chmod 640 "$folder/releases/trial.ini"
  write_text "$uwsgi_service" "$transient_folder/$name.service"
  write_text "$(trial_lines)"$'\n' "$transient_folder/$name.service.d/trial.conf"
  write_text "$(trial_socket)"$'\n' "$transient_folder/$name.socket"
  systemctl daemon-reload
  start_pulse "$app: waiting until the release starts and answers"
  # An app can extend the timeout of its unit.
  if ! timeout "$((timeout + 10))" systemctl start "$name.socket" "$name.service" 2> "$work/start"; then
    fail_release "does not start" "$name" "$started"
  fi
  problem=$(problem_of "$trial_folder/$app.sock")
  if [[ -n $problem ]]; then fail_release "$problem" "$name" "$started" answered; fi
  stop_pulse
  # uWSGI takes a second to stop, which the release need not wait for. The end of the script removes the unit.
  systemctl stop --no-block "$name.socket" "$name.service" || true
}

# One process, and a socket of its own.
trial_ini() {
  sed -e "s#$folder/current/#$folder/trial/#" -e "s#^socket = .*#socket = $trial_folder/$app.sock#" \
    -e 's/^processes = .*/processes = 1/' -e 's/^master = .*/master = true/' -e 's/^die-on-term = .*/die-on-term = true/' <<< "${uwsgi_ini%$'\n'}"
}

# With a master, systemd knows whether the release has started.
trial_lines() {
  printf '%s\n' '[Service]' Type=notify NotifyAccess=main ExecStart= \
    "ExecStart=$folder/trial/venv/bin/uwsgi --ini $folder/releases/trial.ini" "SyslogIdentifier=uwsgi-trial@$app" \
    KillSignal=SIGTERM Restart=no "TimeoutStartSec=$timeout" TimeoutStopSec=5
  # The unit's own, from the release that is tried.
  printf '%s\n' "WorkingDirectory=$folder/trial/app"
  printf '%s\n' EnvironmentFile=
  sed -n "s#^EnvironmentFile=$folder/current/#EnvironmentFile=$folder/trial/#p" <<< "$uwsgi_service"
}

# nginx's user asks.
trial_socket() {
  printf '%s\n' '[Socket]' "ListenStream=$trial_folder/$app.sock" "SocketUser=$uid" "SocketGroup=$nginx_group" SocketMode=0660 RemoveOnStop=true
}

# For the end of the script.
end_trial() {
  if [[ $is_tried == true ]]; then remove_trial "$app"; fi
}
