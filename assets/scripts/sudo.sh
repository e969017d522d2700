#!/usr/bin/env bash
# Runs a command as root with a sudo password. The first line of stdin is the password, the rest is the command's stdin.
# Arguments: COMMAND…
# Passed as an argument of bash itself, like write-file.sh.
IFS= read -r password
# Checked separately: after a wrong password sudo would read the following lines as further attempts.
printf '%s\n' "$password" | sudo -S -k -p '' true || exit
# If sudo asks for no password, it is still in stdin. So everything up to the first empty line is skipped.
{ printf '%s\n\n' "$password"; cat; } |
  sudo -S -p '' bash -c 'while IFS= read -r line && [ -n "$line" ]; do :; done; exec "$@"' sudo "$@"
