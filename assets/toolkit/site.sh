#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Activates an app's site and rolls it back if nginx rejects it or the app does not answer through it; or removes it.
# ipv6_listen is the directive of the site that is left out on a server without IPv6.

# Whether the site is on its way to be live; then the end of the script restores the one before.
is_activating=false

activate_site() {
  local url=http://127.0.0.1:$port$path problem started
  lock nginx 300
  started=$(date +%s)
  # nginx does not start with an IPv6 address on a server without IPv6.
  if [[ -e /proc/net/if_inet6 ]]; then
    printf '%s' "$nginx_conf" > "$work/new"
  else
    grep --invert-match --fixed-strings -e "$ipv6_listen" <<< "${nginx_conf%$'\n'}" > "$work/new"
  fi
  # A marker shows that nginx has loaded the file.
  if [[ -e $folder/site-is-active ]] && cmp --silent "$work/new" "$site" && site_answers; then return 0; fi
  say "$app: activating the site"
  rm -f "$folder/site-is-active"
  [[ ! -f $site ]] || cp -p "$site" "$work/site"
  is_activating=true
  take_over_names
  cmp --silent "$work/new" "$site" || install_file "$work/new" "$site"
  # With a broken configuration nginx would keep running, but never start again.
  if ! nginx -t 2> "$work/nginx"; then
    if grep --quiet 'a duplicate default server' "$work/nginx"; then
      fail "Another site on this server is already the default for all names. The site of app $app was rolled back." \
        "set apps.$app.domains." "$(cat "$work/nginx")"
    fi
    fail "The site of app $app was rolled back, because nginx rejected it." \
      "correct the settings apps.$app, or the other site that nginx names, then deploy again." "$(cat "$work/nginx")"
  fi
  require_own_names
  reload_nginx
  start_pulse "$app: waiting until it answers behind nginx"
  if ! wait_for "$timeout" site_answers && ! { nginx_was_denied "$started" && allow_nginx && wait_for "$timeout" site_answers; }; then
    problem=$(cat "$work/problem")
    fail "App $app behind nginx $problem. Its site was rolled back." "$(health_advice nginx)" \
      "$(health_report)"$'\n'"$(app_log "uwsgi-$app" "$started")"
  fi
  stop_pulse
  is_activating=false
  touch "$folder/site-is-active"
}

# The settings allow no two apps of a stack to share a name. If another site has it, that is a previous version, which the
# other app's own step changes or removes later. Until then it is served without the name.
take_over_names() {
  local app site_of_app
  mkdir "$work/others"
  for app in $(claimed_apps); do
    site_of_app=${site%/*}/$app.conf
    if [[ $site_of_app == "$site" || ! -f $site_of_app ]]; then continue; fi
    if without_names < "$site_of_app" > "$work/rest"; then
      cmp --silent "$work/rest" "$site_of_app" && continue
      cp -p "$site_of_app" "$work/others"
      install_file "$work/rest" "$site_of_app"
    else
      mv -T "$site_of_app" "$work/others/$app.conf"
    fi
  done
}

# Prints the site on stdin without the names in domains, or fails if no name is left. The previous version of another app's
# site exists only on the server, because the settings already describe the new one. So its text is parsed. Earlier
# versions of this project have written names with capitals.
without_names() {
  awk -v taken=" ${domains,,} " '
    $1 == "listen" && / default_server;/ && taken == "  " { nothing_left = 1 }
    $1 == "server_name" {
      names = $0
      gsub(/^ *server_name |;.*$/, "", names)
      count = split(names, name, " ")
      for (i = 1; i <= count; i++) if (!index(taken, " " tolower(name[i]) " ")) kept = kept " " name[i]
      if (kept == "") nothing_left = 1
      sub(/server_name.*/, "server_name" kept ";")
    }
    { print }
    END { exit nothing_left }
  '
}

# nginx only warns about a name that two sites have, and then one of them never gets a request. It writes names
# in lower case.
require_own_names() {
  local name taken=''
  for name in ${domains:-""}; do
    if grep --quiet --ignore-case --fixed-strings -e "conflicting server name \"$name\" on 0.0.0.0:$port" \
      -e "conflicting server name \"$name\" on [::]:$port" "$work/nginx"; then taken+="${taken:+, }${name:-(any)}"; fi
  done
  if [[ -n $taken ]]; then
    fail "Another site on this server already has the names $taken. The site of app $app was rolled back." \
      "choose other names with apps.$app.domains, or disable the other site (to find it: grep -rn server_name /etc/nginx)."
  fi
}

# For the end of the script.
end_site() {
  local other
  [[ $is_activating == true ]] || return 0
  for other in "$work"/others/*.conf; do
    [[ ! -f $other ]] || install_file "$other" "${site%/*}/${other##*/}"
  done
  if [[ -f $work/site ]]; then install_file "$work/site" "$site"; else rm -f "$site"; fi
  if nginx -t -q 2> /dev/null; then (reload_nginx) || true; fi
}

site_answers() {
  http_get "$url" "$host_header" "$timeout" "$work/body" > "$work/status"
  health_problem > "$work/problem"
  [[ ! -s $work/problem ]]
}
