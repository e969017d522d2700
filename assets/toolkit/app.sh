#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the parts
# The verb `app`: makes an app live, and rolls back what does not work; or takes it out of service.
#
# On the server: /opt/apps/APP/releases      ID/{app,venv,reload,environment,uwsgi.ini,uwsgi.service,…}, complete and never
#                                           changed
#               /opt/apps/APP/current       link to the live release
#               /opt/apps/APP/trial         link to the release that is tried
#               /opt/apps/APP/last-good     the last release that worked, which a failed one is rolled back to
#               /opt/apps/APP/venvs         virtual environments, one for each set of requirements
#               /opt/apps/APP/shared        the app's own data, kept across releases
#               /var/cache/uwsgi-nginx/APP  what pip has downloaded and built

verb_app() {
  # shellcheck disable=SC2034 # used by the parts
  local app='' release='' secrets='' venv='' uid='' uid_given='' group='' socket='' chown_socket='' chmod_socket='' \
    uwsgi_ini='' uwsgi_service='' trial_ini='' requirements=''
  # shellcheck disable=SC2034
  local python='' isolation='' virtualenv='' tools='' ca_bundle='' pip_index='' proxy='' compiler='' wheels='' uwsgi_requirement='' \
    uwsgi_executable=''
  # shellcheck disable=SC2034
  local nginx_conf='' site_folder='' domains='' ipv6_listen='' nginx_user=''
  # shellcheck disable=SC2034
  local port='' host_header='' path='' contains='' timeout=''
  read_manifest
  # shellcheck disable=SC2034
  local folder=$apps_folder/$app code=$uploads_folder/$app.tar.gz site=$site_folder/$app.conf
  lock "app-$app" 1200
  # Not local, because the clean-up needs it.
  work=$(mktemp -d)
  clean_up_with end_app
  "app_$1"
}

app_up() {
  claim_app "$app" "$folder" "/etc/systemd/system/uwsgi@$app.service" "$site"
  if [[ ! -e $folder/last-good ]]; then undo_on_failure undo_first; fi
  require_code
  install_requirements
  release_app
  activate_site
  printf '{"release": "%s"}\n' "$release"
}

app_down() {
  if is_claimed "$app"; then remove_app "$app"; fi
  rm -rf "$code" "${cache_folder:?}/$app"
}

undo_first() { remove_app "$app"; }

end_app() {
  stop_trial
  rm -rf "$work"
}

require_code() {
  mkdir -p "$folder"
  [[ -s $code ]] ||
    fail "The code of app $app is not on the server anymore ($code)." "change a file of the app, then deploy again, which uploads it."
}
