#!/usr/bin/env bash
# Compiles uWSGI once for this host and Python, as a wheel that every app's environment installs in no time.
# Parameters: NAME=VALUE…; prints the versions of both as JSON.

main() {
  # shellcheck disable=SC2034 # a part has use for them
  local python='' virtualenv='' tools='' ca_bundle='' pip_index='' proxy='' version='' folder=''
  parameters "$@"
  pip_settings
  lock "uwsgi-$(basename "$folder")" 1200
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
  printf '{"uwsgi": "%s", "python": "%s"}\n' "$version" "$("$python" -c 'import platform; print(platform.python_version())')"
}
