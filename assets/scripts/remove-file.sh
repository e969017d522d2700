#!/usr/bin/env bash
# Removes a file, and its folder if that is empty. A systemd unit is stopped and disabled first.
# Argument: PATH
# Passed as an argument of bash itself, like write-file.sh.
set -euo pipefail
case $1 in /etc/systemd/system/*.service) systemctl disable --now --quiet "${1##*/}" 2> /dev/null || true ;; esac
rm -f -- "$1"
rmdir --ignore-fail-on-non-empty -- "$(dirname "$1")" 2> /dev/null || true
case $1 in /etc/systemd/*) systemctl daemon-reload ;; esac
