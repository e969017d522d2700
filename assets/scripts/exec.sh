#!/usr/bin/env bash
# Becomes root to run the verb `exec` of the toolkit, which drops to the app's user at once.
# Arguments: SUDO APP COMMAND…; SUDO is `none` if sudo asks for no password, `terminal` if it asks the user, and `password` if
# the first line of stdin is the password. The rest of stdin is the command's.
# Passed as an argument of bash itself. See sudo.sh.
fail() { printf 'Error: %s\nFix: %s\n' "$1" "$2" >&2; exit 1; }
[ -e /usr/local/lib/uwsgi-nginx/exec.sh ] || fail "The server does not have this version of the toolkit yet. Nothing was changed." "deploy first: npm run up -- STACK"
command=(bash /var/lib/uwsgi-nginx/run exec "${@:2}")
[ "$(id -u)" != 0 ] || exec "${command[@]}"
[ "$1" != none ] || exec sudo -n "${command[@]}"
[ "$1" != terminal ] || exec sudo "${command[@]}"
IFS= read -r password
printf '%s\n' "$password" | sudo -S -k -p '' true || exit
# shellcheck disable=SC2024 # this user reads it
# Not a pipe, whose end bash would wait for: stdin may stay open when the command has ended.
sudo -S -p '' bash -c 'while IFS= read -r line && [ -n "$line" ]; do :; done; exec "$@"' sudo "${command[@]}" < <(printf '%s\n\n' "$password"; exec cat 2> /dev/null)
