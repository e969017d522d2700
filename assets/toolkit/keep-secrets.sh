#!/usr/bin/env bash
# Keeps an app's secrets in a file that only root reads, until a release takes a copy of them.
# Usage: bash keep-secrets.sh APP up < ENVIRONMENT_FILE, or: bash keep-secrets.sh APP down
# APP.pip stands for the secrets that only pip gets.
# The file begins with `# ID` and ends with `# end of ID`, so that one that was cut off is recognised.
# The verb `server` installs this script, because secrets and toolkit come to the server at the same time.
set -euo pipefail
umask 077
cd /

app=${1%.pip}
folder=/var/lib/uwsgi-nginx/secrets
file=$folder/$1

keep_up() {
  local id
  mkdir -p "$folder"
  trap 'rm -f "$file.$$"' EXIT
  if ! cat > "$file.$$"; then
    fail "The secrets of app $app could not be written to $folder. Nothing was changed." "free some disk space (df -h), then deploy again."
  fi
  id=$(head -n 1 "$file.$$")
  if [[ $(tail -n 1 "$file.$$") != "# end of ${id#\# }" ]]; then
    fail "The secrets of app $app are not complete: the connection broke while they were sent. Nothing was changed." "deploy again."
  fi
  mv -fT "$file.$$" "$file"
}

keep_down() { rm -f "$file"; }

fail() {
  printf 'Error: %s\nFix: %s\n' "$1" "$2" >&2
  exit 1
}

"keep_$2"
