#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Where packages come from, and whom the host trusts.
# Its callers have: package_config_file, package_config, ca_file, ca_update, ca_certificates (texts; empty: no such file)

# Says to the package manager where packages come from.
configure_packages() {
  if [[ -n $package_config ]]; then write_text "$package_config" "$package_config_file"; fi
}

# Makes the host trust the extra certificates, or no longer.
trust_certificates() {
  if [[ -n $ca_certificates ]]; then
    write_text "$ca_certificates" "$ca_file"
  elif [[ -f $ca_file ]]; then
    rm -f "$ca_file"
  else
    return 0
  fi
  if command -v "$ca_update" > /dev/null; then quietly "taking in the extra CA certificates" "$ca_update"; fi
}

# Arguments: TEXT FILE
write_text() {
  mkdir -p "$(dirname "$2")"
  printf '%s' "$1" > "$2.new"
  chmod 644 "$2.new"
  mv -fT "$2.new" "$2"
}
