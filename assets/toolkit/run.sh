#!/usr/bin/env bash
# Runs a verb of the toolkit as root, with a manifest on stdin.
# Usage: bash run.sh VERB up|down, or: bash run.sh exec APP COMMAND…
#   server  what all apps share: packages, uWSGI, nginx
#   app     an app: its virtual environment, its release and its site
#   exec    runs a command in an app's live release
# A verb changes only what differs from the manifest. It prints a line per action to stderr and its results, as JSON, to
# stdout.

toolkit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Not the login user's home, where a file might get in the way.
cd /

# The parts of each verb, and before them those of all; rendering/toolkit.ts reads these lists too.
common_parts='lib manifest claim users selinux apps build python'
# shellcheck disable=SC2034 # used by its name
server_parts='system downloads firewalld nginx uwsgi server'
# shellcheck disable=SC2034
app_parts='health pip environment folders commands static trial activate release site app'
# shellcheck disable=SC2034
exec_parts='commands exec'

parts=${1}_parts
for part in $common_parts ${!parts}; do
  # shellcheck source=/dev/null
  source "$toolkit/$part.sh"
done

trap end_script EXIT
"verb_$1" "${@:2}"
exit
