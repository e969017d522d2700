#!/usr/bin/env bash
# Opens the firewall for the web where firewalld runs; does nothing where it does not.

# What we have opened ourselves, so that no more is closed again.
opened_services=/var/lib/uwsgi-nginx/firewalld

# Its own word counts: systemctl may call a daemon started that has died since.
firewalld_runs() {
  command -v firewall-cmd > /dev/null && firewall-cmd --quiet --state 2> /dev/null
}

# Opens services for good and for now. Arguments: SERVICE…
open_services() {
  local service
  firewalld_runs || return 0
  for service; do
    if ! firewall-cmd --quiet --permanent --query-service "$service"; then
      # Noted first: what is noted and not open is no harm.
      mkdir -p "$(dirname "$opened_services")"
      printf '%s\n' "$service" >> "$opened_services"
      quietly "opening the firewall for $service" firewall-cmd --permanent --add-service "$service"
    fi
    firewall-cmd --quiet --query-service "$service" || quietly "opening the firewall for $service" firewall-cmd --add-service "$service"
  done
}

# Closes what open_services has opened.
close_services() {
  local service
  [[ -f $opened_services ]] || return 0
  while read -r service; do
    firewalld_runs || break
    firewall-cmd --quiet --permanent --remove-service "$service" || true
    firewall-cmd --quiet --remove-service "$service" || true
  done < <(sort -u "$opened_services")
  rm -f "$opened_services"
  rmdir --ignore-fail-on-non-empty "$(dirname "$opened_services")"
}
