#!/usr/bin/env bash
# Runs a command as root where sudo asks for a password: the first line of stdin; what follows is the command's stdin.
# Arguments: COMMAND…
# Like write-file.sh it is an argument of bash itself.
IFS= read -r password
# Once by itself: of a wrong password sudo would take the lines after it for further tries.
printf '%s\n' "$password" | sudo -S -k -p '' true || exit
# Where sudo asks for none after all, the password is still in stdin: all up to the first empty line goes.
{ printf '%s\n\n' "$password"; cat; } |
  sudo -S -p '' bash -c 'while IFS= read -r line && [ -n "$line" ]; do :; done; exec "$@"' sudo "$@"
