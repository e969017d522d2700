#!/usr/bin/env bash
# Says what is wrong when the user who logs in cannot become root with sudo. Changes nothing.
# Argument: `none`, or `password` for a sudo that asks for one, which is the first line of stdin
# Like write-file.sh it is an argument of bash itself.
fail() { printf 'Error: %s; nothing was changed\n  %s\n' "$1" "$2" >&2; exit 1; }
user=$(id -un)
# Not written as it is: csh would take it for its history.
not=$(printf '\041')
if [ "$1" = password ]; then IFS= read -r password; how=(-S -p ''); else how=(-n); fi
said=$(printf '%s\n' "${password:-}" | LC_ALL=C sudo -k "${how[@]}" true 2>&1) && exit
case $said in
  *'must have a tty'*) fail "sudo on this server wants a terminal (requiretty)" \
    "Remove the line 'Defaults requiretty' there (as root: visudo), or add to it: Defaults:$user ${not}requiretty" ;;
  *'password is required'*) fail "sudo on this server asks $user for a password" \
    "Set it: pulumi config set --secret --path server.sudoPassword   or let sudo ask for none (visudo: NOPASSWD)" ;;
  *'not in the sudoers'* | *'not allowed'* | *'may not run'*) fail "sudo on this server refuses $user: ${said##*$'\n'}" \
    "Let $user use sudo there (as root: visudo), or log in as another user with server.user" ;;
  *'incorrect password'* | *'no password was provided'* | *'try again'*) fail "sudo on this server does not take the password of $user" \
    "Set the right one: pulumi config set --secret --path server.sudoPassword" ;;
  *) fail "$user cannot become root on this server: ${said##*$'\n'}" "Make sudo work there, or log in as root with server.user" ;;
esac
