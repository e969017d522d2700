#!/usr/bin/env bash
# Runs a verb of the toolkit as root, with a manifest on stdin.
# Usage: bash run.sh VERB up|down
#   server  what all apps share: packages, uWSGI, nginx
#   app     an app: its virtual environment, its release and its site
# A verb changes only what differs from the manifest. It prints a line per action to stderr and its results, as JSON, to
# stdout.

toolkit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Not the login user's home, where a file might get in the way.
cd /


source_parts() {
  local part
  for part; do
    # shellcheck source=/dev/null
    source "$toolkit/$part.sh"
  done
}

source_parts lib manifest claim selinux python apps
case $1 in
  server) source_parts system downloads firewalld nginx uwsgi server ;;
  app) source_parts health environment release site app ;;
esac

trap stop_pulse EXIT
"verb_$1" "$2"
exit
