#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by server.sh
# Installs and starts nginx, and disables the distribution's welcome page; or restores nginx's previous state.
# The caller declares nginx_package, default_link, default_file and default_package; the last three are empty if the platform
# has no separate welcome site.

install_nginx() {
  install_packages "$nginx_package"
  save_nginx_state
  disable_default_site
  systemctl daemon-reload
  quietly "Enabling nginx" systemctl enable nginx
  nginx -t -q || fail "The configuration of nginx on this server is broken." \
    "solve the problem that nginx reports above, then deploy again."
  systemctl is-active --quiet nginx || systemctl start nginx ||
    fail "The nginx service does not start." "solve the problem that nginx reports above, then deploy again." \
      "$(journalctl --unit nginx --lines 5 --no-pager --output cat)"
}

# nginx keeps running if it was running before, because the server may host other sites.
restore_nginx() {
  local marker=$state_folder/nginx
  if [[ -e $state_folder/default-site ]]; then
    [[ -e $default_link || ! -e $default_file ]] || ln -sfT "$(cat "$state_folder/default-site")" "$default_link"
    rm -f "$state_folder/default-site"
  fi
  if [[ -e $marker ]]; then
    grep --quiet --line-regexp enabled "$marker" || systemctl disable --quiet nginx
    grep --quiet --line-regexp active "$marker" || systemctl stop nginx
    rm -f "$marker"
  fi
  if systemctl is-active --quiet nginx && nginx -t -q 2> /dev/null; then systemctl reload nginx; fi
}

# Records once whether nginx was enabled and running before, or as its package has left it.
save_nginx_state() {
  [[ ! -e $state_folder/nginx ]] || return 0
  mkdir -p "$state_folder"
  {
    # Its output is recorded, because its exit code is also 0 for a unit that is enabled for this boot only.
    systemctl is-enabled nginx 2> /dev/null || true
    if systemctl is-active --quiet nginx; then echo active; fi
  } > "$state_folder/nginx.new"
  mv -fT "$state_folder/nginx.new" "$state_folder/nginx"
}

# Disables the welcome site only if it is as packaged: a modified one is a site of the server's owner.
disable_default_site() {
  [[ -n $default_link && -L $default_link && $(readlink -f "$default_link") == "$default_file" ]] || return 0
  is_as_packaged "$default_file" "$default_package" || return 0
  readlink "$default_link" > "$state_folder/default-site"
  rm -f "$default_link"
}
