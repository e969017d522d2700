#!/usr/bin/env bash
# Opens the web's services in firewalld; does nothing where firewalld is not running.

# What was opened by this project, so that only that is closed again.
opened_services=/var/lib/uwsgi-nginx/firewalld

# systemctl may report a daemon as started that has died since, so firewall-cmd is asked.
firewalld_runs() {
  command -v firewall-cmd > /dev/null && firewall-cmd --quiet --state 2> /dev/null
}

# Prints the zones of the interfaces with a default route, through which requests arrive.
public_zones() {
  local interface default
  default=$(firewall-cmd --get-default-zone)
  for interface in $({ ip -o route show default && ip -6 -o route show default; } | sed -n 's/.* dev \([^ ]*\).*/\1/p'); do
    firewall-cmd --get-zone-of-interface="$interface" 2> /dev/null || printf '%s\n' "$default"
  done | sort -u | grep . || printf '%s\n' "$default"
}

# Opens services permanently and in the running firewall. Arguments: SERVICE…
open_services() {
  local zone service
  firewalld_runs || return 0
  for zone in $(public_zones); do
    for service; do
      if ! firewall-cmd --quiet --permanent --zone="$zone" --query-service="$service"; then
        # Recorded first: closing a service that is not open does no harm.
        mkdir -p "$(dirname "$opened_services")"
        printf '%s %s\n' "$zone" "$service" >> "$opened_services"
        quietly "Opening the firewall for $service" firewall-cmd --permanent --zone="$zone" --add-service="$service"
      fi
      firewall-cmd --quiet --zone="$zone" --query-service="$service" ||
        quietly "Opening the firewall for $service" firewall-cmd --zone="$zone" --add-service="$service"
    done
  done
}

# Closes what open_services has opened.
close_services() {
  local zone service
  [[ -f $opened_services ]] || return 0
  while read -r zone service; do
    firewalld_runs || break
    firewall-cmd --quiet --permanent --zone="$zone" --remove-service="$service" || true
    firewall-cmd --quiet --zone="$zone" --remove-service="$service" || true
  done < <(sort -u "$opened_services")
  rm -f "$opened_services"
  rmdir --ignore-fail-on-non-empty "$(dirname "$opened_services")"
}
