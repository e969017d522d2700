#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2034 # declared or used by the callers
# Where an app is on the server, and how it is removed.

apps_folder=/opt/apps
cache_folder=/var/cache/uwsgi-nginx
# The login user uploads code and the toolkit to it.
uploads_folder=$state_folder/uploads
transient_folder=/run/systemd/system
commands_folder=$state_folder/commands

# Removes all of an app. The caller declares site_folder. Argument: APP
remove_app() {
  local app=$1 user
  remove_site "$site_folder/$app.conf"
  remove_trial "$app"
  remove_command "$app"
  remove_unit "$app"
  for user in $(own_users "$app"); do remove_user "$user"; done
  remove_build_user "$app"
  rm -rf "${apps_folder:?}/$app"
  unclaim_app "$app"
  # Last of all, for then another run may go on.
  rm -f "$locks_folder/app-$app"
}

# Argument: FILE
remove_site() {
  [[ -e $1 ]] || return 0
  lock nginx 300
  rm -f "$1"
  if nginx -t -q 2> /dev/null; then reload_nginx; fi
}

# Ends the trial of a release (trial.sh), also one of a run that was cut off. Argument: APP
remove_trial() {
  local name=uwsgi-trial@$1
  [[ -e $transient_folder/$name.service ]] || return 0
  systemctl stop "$name.socket" "$name.service" 2> /dev/null || true
  rm -rf "$transient_folder/$name.service" "$transient_folder/$name.service.d" "$transient_folder/$name.socket"
  rm -f "$apps_folder/$1/trial" "$apps_folder/$1/releases/trial.ini"
  systemctl daemon-reload || true
  systemctl reset-failed "$name.socket" "$name.service" 2> /dev/null || true
}

# Ends a command of an app (commands.sh), also one of a run that was cut off. Argument: APP
remove_command() {
  local name=uwsgi-command@$1.service
  if [[ -e $transient_folder/$name ]]; then
    systemctl stop "$name" 2> /dev/null || true
    rm -f "$transient_folder/$name"
    systemctl daemon-reload || true
    systemctl reset-failed "$name" 2> /dev/null || true
  fi
  rm -f "$apps_folder/$1/command"
  rm -rf "${commands_folder:?}/$1"
}

# Argument: APP
remove_unit() {
  local units=("uwsgi@$1.socket" "uwsgi@$1.service")
  systemctl disable --now --quiet "${units[@]}" 2> /dev/null || true
  rm -f "/etc/systemd/system/uwsgi@$1".{socket,service}{,.before}
  systemctl daemon-reload
  systemctl reset-failed "${units[@]}" 2> /dev/null || true
  remove_socket_folders "$apps_folder/$1/socket-folders" ''
}

# Removes all the socket folders in a list but one, and their SELinux labels. Arguments: FILE FOLDER
remove_socket_folders() {
  local other folders
  folders=$(sort -u "$1" 2> /dev/null) || folders=''
  for other in $folders; do
    if [[ $other != "$2" ]]; then
      unlabel_socket_folder "$other"
      rm -f "$other"/*.sock
      rmdir --ignore-fail-on-non-empty "$other" 2> /dev/null || true
    fi
  done
}

# Reloads nginx and waits until only workers with the new configuration accept connections. Until then an old worker may
# still answer with another site's page.
reload_nginx() {
  local old
  if ! systemctl is-active --quiet nginx; then
    systemctl start nginx
    return
  fi
  old=$(nginx_workers)
  systemctl reload nginx
  wait_for 30 all_workers_are_new "$old" ||
    fail "The reload of nginx did not end within 30 seconds, so its old configuration is still in use." \
      "look for the cause in /var/log/nginx/error.log on the server, then deploy again."
}

# Process ids of the workers that accept connections. The title of one that only finishes its requests is different.
nginx_workers() {
  local master
  master=$(systemctl show --property MainPID nginx)
  pgrep --parent "${master#*=}" --full --exact 'nginx: worker process *' || true
}

# Argument: the process ids of the old workers, one per line
all_workers_are_new() {
  local worker
  for worker in $(nginx_workers); do
    [[ $'\n'$1$'\n' != *$'\n'$worker$'\n'* ]] || return 1
  done
}
