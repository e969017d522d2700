#!/usr/bin/env bash
# Sets up a server as stack {{ stack }} would: copy this folder to the server, and run this script there as root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bash toolkit/run.sh server up < manifests/server
cp uploads/* /var/lib/uwsgi-nginx/uploads/
for manifest in manifests/apps/*; do
  bash /var/lib/uwsgi-nginx/run app up < "$manifest"
done
