#!/usr/bin/env bash
# Writes stdin to a file atomically. Arguments: PATH OWNER MODE BYTES
# Passed as an argument of bash itself, unlike most scripts, because stdin is the file's content.
set -euo pipefail
umask 077
folder=$(dirname "$1")
[ -d "$folder" ] || install -d -m 755 "$folder"
new=$(mktemp "$folder/.new-XXXXXXXX")
trap 'rm -f "$new"' EXIT
cat > "$new"
# Detects a connection that broke during the transfer.
fail() { printf 'Error: %s\nFix: %s\n' "$1" "$2" >&2; exit 1; }
[ "$(wc -c < "$new")" -eq "$4" ] || fail "The connection broke while $1 was uploaded." "deploy again."
chown "$2" "$new"
chmod "$3" "$new"
mv -fT "$new" "$1"
case $1 in /etc/systemd/*) systemctl daemon-reload ;; esac
