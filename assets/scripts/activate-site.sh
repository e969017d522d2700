#!/usr/bin/env bash
# Puts an app's site in force, or withdraws it when nginx or the app behind it does not work; or removes it.
# Usage: up|down NAME=VALUE…

main() {
  local app='' domains='' staged='' site='' url='' host_header='' path='' contains='' timeout=''
  local action=$1 work
  shift
  parameters "$@"
  lock nginx 300
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name as it is now
  trap "rm -rf '$work'" EXIT
  "$action"
}

up() {
  local problem since
  since=$(date +%s)
  [[ ! -f $site ]] || cp -p "$site" "$work/site"
  take_names
  # Nginx does not start with an address of a kind that the server lacks.
  if [[ -e /proc/net/if_inet6 ]]; then cp "$staged" "$work/new"; else sed '/^ *listen \[::\]/d' "$staged" > "$work/new"; fi
  cmp --silent "$work/new" "$site" || install_file "$work/new" "$site"
  # Tested before it is loaded: nginx with a bad configuration would keep running, but never start again.
  if ! nginx -t 2> "$work/nginx"; then
    restore
    if grep --quiet 'a duplicate default server' "$work/nginx"; then
      fail "another site on this server answers for every name already, so that of app $app was withdrawn: $(cat "$work/nginx")" \
        "Give the app names of its own: apps.$app.domains."
    fi
    fail "nginx refuses the site of app $app, so it was withdrawn: $(cat "$work/nginx")" \
      "Mend the settings apps.$app, or the other site that it names, then run up again."
  fi
  require_own_names
  reload_nginx
  if ! wait_for "$timeout" site_answers && ! { nginx_was_denied "$since" && allow_nginx && wait_for "$timeout" site_answers; }; then
    problem=$(cat "$work/problem")
    restore
    reload_nginx
    fail "app $app behind nginx ($url$path, Host: $host_header): it $problem; its site was withdrawn" \
      "See /var/log/nginx/error.log on the server, mend the cause, then run up again."
  fi
}

# No two apps of a stack want the same name: the settings see to that. One that has it all the same is an older site, which
# its own step changes or removes after this one; until then it goes without.
take_names() {
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

# A site of ours without the names that the app wants; fails where none is left.
without_names() {
  awk -v wanted=" $domains " '
    $1 == "listen" && / default_server;/ && wanted == "  " { none = 1 }
    $1 == "server_name" {
      sub(/;$/, "")
      for (i = 2; i <= NF; i++) if (!index(wanted, " " $i " ")) kept = kept " " $i
      if (kept == "") none = 1
      $0 = "    server_name" kept ";"
    }
    { print }
    END { exit none }
  '
}

# For nginx a name that two sites have is only a warning: one of them would never be asked.
require_own_names() {
  local name taken=''
  for name in ${domains:-""}; do
    if grep --quiet --fixed-strings -e "conflicting server name \"$name\" on 0.0.0.0:80" \
      -e "conflicting server name \"$name\" on [::]:80" "$work/nginx"; then taken+=" ${name:-(any)}"; fi
  done
  if [[ -n $taken ]]; then
    restore
    fail "another site on this server has these names already, so that of app $app was withdrawn:$taken" \
      "See which with: grep -rn server_name /etc/nginx; then choose other names with apps.$app.domains, or switch that site off."
  fi
}

down() {
  rm -f "$site"
  if nginx -t -q 2> /dev/null; then reload_nginx; fi
}

restore() {
  local other
  for other in "$work"/others/*.conf; do
    [[ ! -f $other ]] || install_file "$other" "${site%/*}/${other##*/}"
  done
  if [[ -f $work/site ]]; then install_file "$work/site" "$site"; else rm -f "$site"; fi
}

# Ends when only workers with the new configuration take connections: until then the old ones still answer, be it with
# another site's page.
reload_nginx() {
  local old
  if ! systemctl is-active --quiet nginx; then
    systemctl start nginx
    return
  fi
  old=$(nginx_workers)
  systemctl reload nginx
  wait_for 30 none_serves "$old" ||
    fail "nginx still serves with its old configuration 30 seconds after the reload" "See /var/log/nginx/error.log on the server."
}

# Process ids of the workers that take connections; one that only finishes its requests says so in its title.
nginx_workers() {
  local master
  master=$(systemctl show --property MainPID nginx)
  pgrep --parent "${master#*=}" --full --exact 'nginx: worker process *' || true
}

none_serves() {
  local worker
  for worker in $(nginx_workers); do
    [[ $'\n'$1$'\n' != *$'\n'$worker$'\n'* ]] || return 1
  done
}

site_answers() {
  local status
  status=$(ask_http "$url$path" "$host_header" "$timeout" "$work/body")
  verdict "$status" "$work/body" "$contains" > "$work/problem"
  [[ ! -s $work/problem ]]
}
