#!/usr/bin/env bash
# Compiles uWSGI once for this host and Python, as a wheel that every app's environment installs in no time; or removes it.
# Usage: up|down NAME=VALUE…; up prints the versions of both as JSON

main() {
  local python='' version='' folder='' ca_bundle=''
  local action=$1
  shift
  parameters "$@"
  lock "uwsgi-$(basename "$folder")" 1200
  "$action"
}

down() { rm -rf "$folder" "$folder.new"; }

up() {
  local other
  export PIP_CERT=$ca_bundle PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_CACHE_DIR=$folder.new/cache
  # Moved into place when it is whole, so a folder that is there is a finished one.
  if [[ ! -d $folder ]]; then
    say "uWSGI $version: compiling for $("$python" --version 2>&1)"
    rm -rf "$folder.new"
    "$python" -m venv "$folder.new/env"
    quietly "preparing to compile uWSGI" "$folder.new/env/bin/pip" install setuptools wheel
    quietly "compiling uWSGI $version" "$folder.new/env/bin/pip" wheel --no-deps --no-build-isolation --no-binary uwsgi \
      --wheel-dir "$folder.new/wheels" "uwsgi==$version"
    mv -T "$folder.new/wheels" "$folder"
    rm -rf "$folder.new"
  fi
  # Every app has its own copy, so a version that is not wanted any more is nobody's.
  for other in "$(dirname "$folder")"/*-"${folder##*-}"; do [[ $other == "$folder" ]] || rm -rf "$other"; done
  printf '{"uwsgi": "%s", "python": "%s"}\n' "$version" "$("$python" -c 'import platform; print(platform.python_version())')"
}
