#!/usr/bin/env bash
# shellcheck disable=SC2154 # its callers have them
# Where packages come from, and whom the server trusts.
# Its callers have: package_config_file, package_config, ca_file, ca_update, ca_bundle,
# ca_certificates (texts; empty: no such file)

# Says to the package manager where packages come from, or takes that back.
configure_packages() {
  if [[ -n $package_config ]]; then
    write_text "$package_config" "$package_config_file"
  elif [[ -e $package_config_file ]]; then
    rm -f "$package_config_file"
    rmdir --ignore-fail-on-non-empty "$(dirname "$package_config_file")"
  fi
}

# Makes the server trust these certificates and no others of ours.
trust_certificates() {
  if [[ -n $ca_certificates ]]; then
    write_text "$ca_certificates" "$ca_file"
  else
    [[ -e $ca_file ]] || return 0
    rm -f "$ca_file"
    # An update may leave links to a file that is gone.
    find "$(dirname "$ca_bundle")" -maxdepth 1 -type l -lname "$ca_file" -delete
  fi
  if command -v "$ca_update" > /dev/null; then quietly "updating the CA certificates" "$ca_update"; fi
}

# Arguments: TEXT FILE
write_text() {
  mkdir -p "$(dirname "$2")"
  printf '%s' "$1" > "$2.new"
  chmod 644 "$2.new"
  mv -fT "$2.new" "$2"
}
