#!/usr/bin/env bash
# Compiles uWSGI once for this server and Python, as a wheel that each app's environment installs quickly; or removes it.
# Usage: up|down NAME=VALUE…; up prints the versions of uWSGI and Python as JSON

main() {
  # shellcheck disable=SC2034 # used by python.sh
  local python='' virtualenv='' tools='' ca_bundle='' pip_index='' proxy='' version='' folder=''
  local action=$1
  shift
  parameters "$@"
  lock "uwsgi-$(basename "$folder")" 1200
  "$action"
}

down() { rm -rf "$folder" "$folder.new"; }

up() {
  local other
  pip_settings "$folder.new/cache"
  # The folder is renamed when it is complete, so an existing one is never half built.
  if [[ ! -d $folder ]]; then
    say "uWSGI $version: compiling for $("$python" --version 2>&1)"
    rm -rf "$folder.new"
    make_environment "$folder.new/env"
    quietly "Preparing to compile uWSGI" "$folder.new/env/bin/python" -m pip install setuptools wheel
    quietly "Compiling uWSGI $version" "$folder.new/env/bin/python" -m pip wheel --no-deps --no-build-isolation \
      --no-binary uwsgi --wheel-dir "$folder.new/wheels" "uwsgi==$version"
    mv -T "$folder.new/wheels" "$folder"
    rm -rf "$folder.new"
  fi
  # Every app has its own copy, so wheels of other versions are not needed.
  for other in "$(dirname "$folder")"/*-"${folder##*-}"; do [[ $other == "$folder" ]] || rm -rf "$other"; done
  printf '{"uwsgi": "%s", "python": "%s"}\n' "$version" "$("$python" -c 'import platform; print(platform.python_version())')"
}
