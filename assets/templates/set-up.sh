#!/usr/bin/env bash
# Sets up a server as stack {{ stack }} would: copy this folder to the server, fill in the values in secrets/ if there are any,
# and run this script there as root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
state=/var/lib/uwsgi-nginx

bash toolkit/run.sh server up < manifests/server
cp uploads/* "$state/uploads/"
for manifest in manifests/apps/*; do
  app=${manifest##*/}
  for secrets in "$app" "$app.pip"; do
    [[ ! -e secrets/$secrets ]] || bash "$state/keep-secrets" "$secrets" up < "secrets/$secrets"
  done
  bash "$state/run" app up < "$manifest"
done
