#!/usr/bin/env bash
# Installs nginx and starts it, with the distribution's welcome page out of the way.
# Parameters: NAME=VALUE… (default_* are empty where the platform has no welcome site of its own)

main() {
  # shellcheck disable=SC2034 # a part has use for them
  local package_config_file=''
  local package='' default_link='' default_file='' default_package=''
  parameters "$@"
  lock packages 600
  install_packages "$package"
  disable_default_site
  systemctl daemon-reload
  quietly "enabling nginx" systemctl enable nginx
  nginx -t -q || fail "nginx's configuration on this server is broken, so it was left as it is" \
    "Mend what nginx says above, then run up again."
  systemctl is-active --quiet nginx || systemctl start nginx ||
    fail "nginx does not start: $(journalctl --unit nginx --lines 5 --no-pager --output cat)"
}

# Only a welcome page that is as packaged goes; one that somebody changed is somebody's site.
disable_default_site() {
  [[ -n $default_link && -L $default_link && $(readlink -f "$default_link") == "$default_file" ]] || return 0
  if is_as_packaged "$default_file" "$default_package"; then rm -f "$default_link"; fi
}
