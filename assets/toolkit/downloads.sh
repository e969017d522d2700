#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Configures where packages come from and which certificates the server trusts.
# The caller declares package_config_file, package_config, ca_file, ca_update, ca_bundle and ca_certificates. package_config
# and ca_certificates are texts; if empty, there is no such file.

# Writes or removes the package manager's configuration for this project.
configure_packages() {
  if [[ -n $package_config ]]; then
    write_text "$package_config" "$package_config_file"
  elif [[ -e $package_config_file ]]; then
    rm -f "$package_config_file"
    rmdir --ignore-fail-on-non-empty "$(dirname "$package_config_file")"
  fi
}

# Makes the server trust the stack's CA certificates and removes those of earlier settings.
trust_certificates() {
  if [[ -n $ca_certificates ]]; then
    write_text "$ca_certificates" "$ca_file"
  else
    [[ -e $ca_file ]] || return 0
    rm -f "$ca_file"
    # update-ca-certificates may leave dangling links.
    find "$(dirname "$ca_bundle")" -maxdepth 1 -type l -lname "$ca_file" -delete
  fi
  if command -v "$ca_update" > /dev/null; then quietly "Updating the CA certificates" "$ca_update"; fi
}
