#!/usr/bin/env bash
# Installs nginx and starts it, with the distribution's welcome page out of the way; or leaves it as it was found.
# Usage: up|down NAME=VALUE… (default_* are empty where the platform has no welcome site of its own)

main() {
  # shellcheck disable=SC2034 # a part has use for them
  local package_config_file='' package_keys=''
  local package='' default_link='' default_file='' default_package=''
  local action=$1
  shift
  parameters "$@"
  "$action"
}

up() {
  lock packages 600
  # shellcheck disable=SC2154 # claim.sh
  if [[ ! -e $record/nginx ]]; then undo_on_failure; fi
  install_packages "$package"
  note_state
  disable_default_site
  systemctl daemon-reload
  quietly "enabling nginx" systemctl enable nginx
  nginx -t -q || fail "nginx's configuration on this server is broken, so it was left as it is" \
    "Mend what nginx says above, then run up again."
  systemctl is-active --quiet nginx || systemctl start nginx ||
    fail "nginx does not start: $(journalctl --unit nginx --lines 5 --no-pager --output cat)"
}

# Nginx goes on for others, as far as it did before.
down() {
  local note=$record/nginx
  if [[ -e $record/default-site ]]; then
    [[ -e $default_link || ! -e $default_file ]] || ln -sfT "$(cat "$record/default-site")" "$default_link"
    rm -f "$record/default-site"
  fi
  if [[ -e $note ]]; then
    grep --quiet --line-regexp enabled "$note" || systemctl disable --quiet nginx
    grep --quiet --line-regexp active "$note" || systemctl stop nginx
    rm -f "$note"
  fi
  if systemctl is-active --quiet nginx && nginx -t -q 2> /dev/null; then systemctl reload nginx; fi
}

# Writes down once whether it was switched on and running: as it was found, or as its package has left it.
note_state() {
  [[ ! -e $record/nginx ]] || return 0
  mkdir -p "$record"
  {
    # Its word and not its exit code, which is that for a boot only, too.
    systemctl is-enabled nginx 2> /dev/null || true
    if systemctl is-active --quiet nginx; then echo active; fi
  } > "$record/nginx.new"
  mv -fT "$record/nginx.new" "$record/nginx"
}

# Only a welcome page that is as packaged goes; one that somebody changed is somebody's site.
disable_default_site() {
  [[ -n $default_link && -L $default_link && $(readlink -f "$default_link") == "$default_file" ]] || return 0
  is_as_packaged "$default_file" "$default_package" || return 0
  readlink "$default_link" > "$record/default-site"
  rm -f "$default_link"
}
