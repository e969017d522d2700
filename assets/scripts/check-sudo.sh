#!/usr/bin/env bash
# Explains why the login user cannot become root with sudo. Changes nothing.
# Argument: `none`, or `password` if sudo asks for a password, which is the first line of stdin
# Passed as an argument of bash itself, like write-file.sh.
fail() { printf 'Error: %s Nothing was changed.\nFix: %s\n' "$1" "$2" >&2; exit 1; }
user=$(id -un)
# A literal exclamation mark would be history expansion for csh.
not=$(printf '\041')
if [ "$1" = password ]; then IFS= read -r password; how=(-S -p ''); else how=(-n); fi
output=$(printf '%s\n' "${password:-}" | LC_ALL=C sudo -k "${how[@]}" true 2>&1) && exit
reason=${output##*$'\n'}
case $output in
  *'must have a tty'*) fail "The server's sudo requires a terminal (requiretty)." \
    "remove the line 'Defaults requiretty' with visudo, as root on the server, or add: Defaults:$user ${not}requiretty" ;;
  *'password is required'*) fail "The server's sudo asks $user for a password." \
    "allow sudo without a password (visudo: NOPASSWD), or run: pulumi config set --secret --path server.sudoPassword" ;;
  *'not in the sudoers'* | *'not allowed'* | *'may not run'*) fail "The server's sudo does not allow $user to become root (${reason%.})." \
    "allow it with visudo, as root on the server, or log in as another user with server.user." ;;
  *'incorrect password'* | *'no password was provided'* | *'try again'*) fail "The server's sudo rejected the password for $user." \
    "set the right password: pulumi config set --secret --path server.sudoPassword" ;;
  *) fail "The user $user cannot become root on the server (${reason%.})." "make sudo work on the server, or log in as root with server.user." ;;
esac
