#!/usr/bin/env bash
# Runs a verb of the toolkit, after installing the toolkit from its archive where it is not installed or was changed.
# Usage: bash launch.sh VERB up|down < MANIFEST, or: bash launch.sh exec APP COMMAND…
set -euo pipefail
umask 022
cd /

state_folder=/var/lib/uwsgi-nginx
toolkit_folder=/usr/local/lib/uwsgi-nginx
# The login user has uploaded it, so it is only used if it is the one that the verb `server` has allowed.
archive=$state_folder/uploads/toolkit.tar.gz
hash=$(cat "$state_folder/toolkit-hash")

is_whole() { (cd "$toolkit_folder" && sha256sum --status --check checksums) 2> /dev/null; }

is_current() { [[ $(cat "$toolkit_folder/archive-hash" 2> /dev/null) == "$hash" ]] && is_whole; }

is_allowed() { sha256sum --status --check <<< "$hash  $archive" 2> /dev/null; }

# Several apps are deployed at once, and the first one installs it.
install_toolkit() {
  install -d -m 700 /run/uwsgi-nginx
  exec 9> /run/uwsgi-nginx/toolkit
  flock --wait 60 9
  if is_current || ! is_allowed; then return 0; fi
  rm -rf "$toolkit_folder.new" &&
    mkdir -p "$toolkit_folder.new" &&
    tar -xzf "$archive" -C "$toolkit_folder.new" &&
    cd "$toolkit_folder.new" &&
    printf '%s\n' "$hash" > archive-hash &&
    sha256sum -- * > checksums &&
    rm -rf "$toolkit_folder" &&
    mv -T "$toolkit_folder.new" "$toolkit_folder"
}

fail() {
  printf 'Error: %s\nFix: %s\n' "$1" "$2" >&2
  exit 1
}

if ! is_current && ! output=$(install_toolkit 2>&1); then
  rm -rf "$toolkit_folder.new"
  fail "The toolkit could not be installed in $toolkit_folder: ${output%%$'\n'*}." "free some disk space (df -h), then deploy again."
fi
is_whole || fail "The toolkit on this server is damaged ($toolkit_folder), and so is its archive ($archive)." \
  "upload it with: npm run up -- STACK --replace '**::base-toolkit', then deploy again."
exec bash "$toolkit_folder/run.sh" "$@"
