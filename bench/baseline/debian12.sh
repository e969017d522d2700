#!/usr/bin/env bash
# shellcheck disable=SC2034 # used by deploy.sh
nginx_group=www-data

# Arguments: CA_FILE (extra CA certificates on the server, empty if there are none)
install() {
  export DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt
  if [[ -n $1 ]]; then
    cp "$1" /usr/local/share/ca-certificates/
    update-ca-certificates
  fi
  apt-get update -q
  apt-get install -yq --no-install-recommends ca-certificates curl gcc libc6-dev nginx python3 python3-dev python3-venv
  rm -f /etc/nginx/sites-enabled/default
}

make_environment() { python3 -m venv "$1"; }
