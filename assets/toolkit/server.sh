#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the parts
# The verb `server`: runs preflight checks, claims the server and sets up what all apps share; or gives the server back.
# It is the first step and all others wait for it, so a server that fails the checks is not changed.

aggregate_unit_file=/etc/systemd/system/uwsgi.service
build_unit_file=/etc/systemd/system/uwsgi-build@.service
nginx_drop_in_file=/etc/systemd/system/nginx.service.d/restart.conf
toolkit_folder=/usr/local/lib/uwsgi-nginx

# In the manifest, architectures, packages, selinux_packages and disk_space (FOLDER=MEGABYTES) are lists of
# words. package_config and ca_certificates are the texts of the files named beside them; if empty, there is no such file.
verb_server() {
  # Not local: where `set -e` ends the script, the clean-up would not see them.
  stack='' login_user='' toolkit_version='' toolkit_hash='' packages='' selinux_packages='' disk_space=''
  # shellcheck disable=SC2034 # used by the parts
  title='' id='' version_id='' architectures='' package_script='' package_config_file='' package_config='' \
    package_key='' package_key_file='' ca_file='' ca_update='' ca_bundle='' ca_certificates='' pip_index='' proxy=''
  # shellcheck disable=SC2034
  uwsgi_from='' uwsgi_version='' uwsgi_executable='' pythons='' nginx_package='' default_link='' default_file='' default_package='' site_folder=''
  uwsgi_service='' build_service='' restart_conf=''
  read_manifest
  # shellcheck source=/dev/null
  source "$toolkit/$package_script"
  "server_$1"
}

server_up() {
  local missing
  require_system
  require_own_server "$stack" "$aggregate_unit_file $build_unit_file $nginx_drop_in_file $toolkit_folder"
  require_no_newer_toolkit
  if selinux_is_enabled; then packages+=" $selinux_packages"; fi
  # shellcheck disable=SC2086 # a list of words
  missing=$(missing_packages $packages)
  if [[ -n $missing ]] || ! is_server_claimed; then require_disk_space; fi
  lock server 1200
  # Checked again, because an interrupted run may have claimed the server while this one waited for the lock.
  require_own_server "$stack" "$aggregate_unit_file $build_unit_file $nginx_drop_in_file $toolkit_folder"
  if ! is_server_claimed; then
    undo_on_failure give_back
    claim_server "$stack"
  fi
  allow_toolkit
  configure_packages
  # Mirrors may need the certificates. The tool that installs them may be a package itself, so this is repeated below.
  trust_certificates
  if [[ -n $missing ]]; then
    # shellcheck disable=SC2086
    install_packages $packages
    trust_certificates
  fi
  require_packaged_version
  open_services http https
  install -d -m 700 -o "$login_user" "$uploads_folder"
  chown -R "$login_user" "$uploads_folder"
  write_unit_file "$uwsgi_service" "$aggregate_unit_file"
  write_unit_file "$build_service" "$build_unit_file"
  write_unit_file "$restart_conf" "$nginx_drop_in_file"
  build_and_install
  remove_old_wheels
  versions
}

# uWSGI is compiled or downloaded while nginx is installed.
build_and_install() {
  local jobs job line failed=false
  clean_up_with end_uwsgi_builds
  install_nginx &
  jobs=($!)
  while IFS= read -r line; do
    build_wheel "$line" &
    jobs+=($!)
  done <<< "${pythons%$'\n'}"
  for job in "${jobs[@]}"; do wait "$job" || failed=true; done
  # Each has said why.
  if [[ $failed == true ]]; then exit 1; fi
}

# Arguments: TEXT FILE
write_unit_file() {
  if ! cmp --silent <(printf '%s' "$1") "$2"; then
    say "server: writing $2"
    write_text "$1" "$2"
    systemctl daemon-reload
  fi
}

server_down() {
  [[ $(claimed_by) == "$stack" ]] || return 0
  lock server 1200
  give_back
}

# Packages stay, because other software may depend on them by then.
give_back() {
  local app name
  # Their own steps have removed them, except those that an interrupted run has left.
  for app in $(claimed_apps); do
    lock "app-$app" 1200
    remove_app "$app"
  done
  for name in $(builds); do remove_build_user "$name"; done
  systemctl disable --now --quiet uwsgi.service 2> /dev/null || true
  rm -f "$aggregate_unit_file" "$build_unit_file" "$nginx_drop_in_file"
  rmdir --ignore-fail-on-non-empty "$(dirname "$nginx_drop_in_file")" 2> /dev/null || true
  systemctl daemon-reload
  restore_nginx
  # shellcheck disable=SC2034
  pythons=''
  remove_old_wheels
  close_services
  disallow_nginx
  # shellcheck disable=SC2034
  ca_certificates=''
  trust_certificates
  forget_downloads
  # shellcheck disable=SC2034
  package_config=''
  configure_packages
  rm -rf "$toolkit_folder" "$cache_folder"
  unclaim_server
}

# A preflight check: the files of a newer version may be unknown to this one.
require_no_newer_toolkit() {
  local installed newest
  installed=$(cat "$toolkit_folder/version" 2> /dev/null) || return 0
  newest=$(printf '%s\n' "${installed%-*}" "${toolkit_version%-*}" | sort --version-sort | tail -n 1)
  [[ $newest == "${toolkit_version%-*}" ]] ||
    fail "The toolkit on this server has version $installed, and this project has the older version $toolkit_version. Nothing was changed." \
      "deploy with version ${installed%-*} of this project, or with a newer one."
}

# Allows the toolkit that the login user uploads, and installs the scripts that run it and that bring secrets.
allow_toolkit() {
  write_text "$toolkit_hash" "$state_folder/toolkit-hash"
  install_file "$toolkit/launch.sh" "$state_folder/run"
  install_file "$toolkit/keep-secrets.sh" "$state_folder/keep-secrets"
}

# The needs of folders on the same file system are added up.
require_disk_space() {
  local pair other disk folders needed free
  for pair in $disk_space; do
    disk=$(stat --format %d "${pair%%=*}")
    folders='' needed=0
    for other in $disk_space; do
      if [[ $(stat --format %d "${other%%=*}") == "$disk" ]]; then
        folders+="${folders:+, }${other%%=*}"
        ((needed += ${other#*=}))
      fi
    done
    free=$(df --output=avail --block-size=M "${pair%%=*}" | tail -n 1 | tr -dc 0-9)
    if ((free < needed)); then
      fail "The server's disk is full: $free MB are free for $folders, and $needed MB are needed. Nothing was changed." \
        "free some disk space (df -h), then deploy again."
    fi
  done
}
