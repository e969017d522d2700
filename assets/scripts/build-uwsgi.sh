#!/usr/bin/env bash
# Compiles uWSGI once for this server and Python, as a wheel that every app's environment installs in no time; or removes it.
# Usage: up|down NAME=VALUE…; up prints the versions of both as JSON

main() {
  # shellcheck disable=SC2034 # a part has use for them
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
  # Moved into place when it is whole, so a folder that is there is a finished one.
  if [[ ! -d $folder ]]; then
    say "uWSGI $version: compiling for $("$python" --version 2>&1)"
    rm -rf "$folder.new"
    make_environment "$folder.new/env"
    quietly "preparing to compile uWSGI" "$folder.new/env/bin/python" -m pip install setuptools wheel
    quietly "compiling uWSGI $version" "$folder.new/env/bin/python" -m pip wheel --no-deps --no-build-isolation \
      --no-binary uwsgi --wheel-dir "$folder.new/wheels" "uwsgi==$version"
    mv -T "$folder.new/wheels" "$folder"
    rm -rf "$folder.new"
  fi
  # Every app has its own copy, so a version that is not wanted any more is nobody's.
  for other in "$(dirname "$folder")"/*-"${folder##*-}"; do [[ $other == "$folder" ]] || rm -rf "$other"; done
  printf '{"uwsgi": "%s", "python": "%s"}\n' "$version" "$("$python" -c 'import platform; print(platform.python_version())')"
}
