#!/usr/bin/env bash
# Removes a file of ours, and its folder if nothing else is in it; a unit of systemd is stopped and switched off first.
# Argument: PATH
# Like write-file.sh it is an argument of bash itself.
set -euo pipefail
case $1 in /etc/systemd/system/*.service) systemctl disable --now --quiet "${1##*/}" 2> /dev/null || true ;; esac
rm -f -- "$1"
rmdir --ignore-fail-on-non-empty -- "$(dirname "$1")" 2> /dev/null || true
case $1 in /etc/systemd/*) systemctl daemon-reload ;; esac
