#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the parts
# The verb `app`: makes an app live, and rolls back what does not work; or takes it out of service.
#
# On the server: /opt/apps/APP/releases      ID/{app,venv,reload,id,environment,secrets,static,…}, complete and never
#                                           changed
#               /opt/apps/APP/current       link to the live release
#               /opt/apps/APP/trial         link to the release that is tried
#               /opt/apps/APP/command       link to the release whose commands run
#               /opt/apps/APP/last-good     the last release that worked, which a failed one is rolled back to
#               /opt/apps/APP/switching     that release, until another one is live or it is restored
#               /opt/apps/APP/moving        numbers of the users between whom the data is moved meanwhile
#               /opt/apps/APP/folders.before  lines of MODE GROUP PATH: how the folders were before that
#               /opt/apps/APP/venvs         virtual environments, one for each set of requirements; root's when they are complete
#               /opt/apps/APP/shared        the app's own data, kept across releases
#               /var/cache/uwsgi-nginx/APP  what pip has downloaded and built

verb_app() {
  # Not local: where `set -e` ends the script, the clean-up would not see them.
  # shellcheck disable=SC2034 # used by the parts
  app='' release='' secrets='' environment='' kept_folders='' kept_files='' venv='' uid='' uid_given='' group='' socket='' \
    uwsgi_ini='' uwsgi_service='' uwsgi_socket='' requirements='' requirements_file='' \
    pip_indexes='' pip_secrets='' pip_packages='' newer_pythons=''
  # shellcheck disable=SC2034
  build_commands='' release_commands='' command_timeout='' uwsgi_command=''
  # shellcheck disable=SC2034
  python='' isolation='' virtualenv='' tools='' seed='' ca_bundle='' pip_index='' proxy='' compiler='' wheels='' uwsgi_requirement='' \
    uwsgi_executable=''
  # shellcheck disable=SC2034
  nginx_conf='' site_folder='' domains='' ipv6_listen='' nginx_user='' nginx_group=''
  # shellcheck disable=SC2034
  port='' host_header='' path='' expected='' contains='' timeout='' module='' static_folders='' code_hash=''
  read_manifest
  # shellcheck disable=SC2034
  folder=$apps_folder/$app code=$uploads_folder/$app.tar.gz site=$site_folder/$app.conf
  lock "app-$app" 1200
  work=$(mktemp -d)
  clean_up_with end_app
  "app_$1"
}

app_up() {
  require_socket_folder
  claim_app "$app" "$folder" "/etc/systemd/system/uwsgi@$app.service" "/etc/systemd/system/uwsgi@$app.socket" "$site"
  if [[ ! -e $folder/last-good ]]; then undo_on_failure undo_first; fi
  make_user
  make_folder
  install_requirements
  release_app
  activate_site
  printf '{"release": "%s", "uwsgi": "%s"}\n' "$release" "$(uwsgi_version_of "$venv")"
}

app_down() {
  rm -rf "$code" "${cache_folder:?}/$app"
  if is_claimed "$app"; then remove_app "$app"; else rm -f "$locks_folder/app-$app"; fi
}

undo_first() { remove_app "$app"; }

end_app() {
  end_site
  end_trial
  remove_command "$app"
  release_requests
  close_environment
  if [[ -n $build_name ]]; then end_build "$build_name"; fi
  rm -rf "$work" "$folder/code.tar.gz"
}

make_folder() {
  # Everybody gets through it, such as the user who builds environments, but not into what is in it.
  install -d -m 751 "$folder"
  make_releases_folder
  take_code
}

# A later deployment may upload other code while this one goes on. So it works with a copy, which is what the manifest says.
take_code() {
  [[ -s $code ]] ||
    fail "The code of app $app is not on the server anymore ($code)." "change a file of the app, then deploy again, which uploads it."
  install -m 600 "$code" "$folder/code.tar.gz"
  code=$folder/code.tar.gz
  [[ $(sha256sum < "$code") == "$code_hash  -" ]] ||
    fail "The code of app $app on the server is not that of this deployment: another one has uploaded its own." \
      "deploy again; if that does not help, change a file of the app, which uploads it."
}

# A folder of another service must not become the app's.
require_socket_folder() {
  local socket_folder=${socket%/*}
  if [[ ! -e $socket_folder ]] || grep --quiet --line-regexp --fixed-strings -e "$socket_folder" "$folder/socket-folders" 2> /dev/null; then
    return 0
  fi
  fail "The folder $socket_folder on the server, which apps.$app.socket names, belongs to something else." \
    "choose another folder with apps.$app.socket, or remove the setting."
}
