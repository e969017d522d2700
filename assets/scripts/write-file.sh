#!/usr/bin/env bash
# Writes stdin to a file in one step. Arguments: PATH OWNER MODE BYTES
# Unlike the other scripts it is an argument of bash itself, because its stdin is the content.
set -euo pipefail
umask 077
folder=$(dirname "$1")
[ -d "$folder" ] || install -d -m 755 "$folder"
new=$(mktemp "$folder/.new-XXXXXXXX")
trap 'rm -f "$new"' EXIT
cat > "$new"
# A connection that broke on the way must not leave half a file.
[ "$(wc -c < "$new")" -eq "$4" ] || { echo "Error: $1 did not arrive whole; run up again" >&2; exit 1; }
chown "$2" "$new"
chmod "$3" "$new"
mv -fT "$new" "$1"
case $1 in /etc/systemd/*) systemctl daemon-reload ;; esac
