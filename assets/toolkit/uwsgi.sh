#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2034 # declared by server.sh
# Compiles uWSGI once for each Python, as a wheel that each app's virtual environment installs quickly.
# The caller declares uwsgi_version and pythons: lines of NAME|FOLDER|EXECUTABLE|ISOLATION|VIRTUALENV|TOOLS.

wheels_folder=/opt/uwsgi

# Argument: a line of pythons
build_wheel() {
  local name folder python isolation virtualenv tools
  IFS='|' read -r name folder python isolation virtualenv tools <<< "$1"
  # The folder is renamed when it is complete, so an existing one is never half built.
  if [[ -d $folder ]]; then return 0; fi
  say "uWSGI $uwsgi_version: compiling for $("$python" --version 2>&1)"
  rm -rf "$folder.new"
  pip_settings "$folder.new/cache"
  make_environment "$folder.new/env"
  quietly "Preparing to compile uWSGI" "$folder.new/env/bin/python" -m pip install setuptools wheel
  quietly "Compiling uWSGI $uwsgi_version" "$folder.new/env/bin/python" -m pip wheel --no-deps --no-build-isolation \
    --no-binary uwsgi --wheel-dir "$folder.new/wheels" "uwsgi==$uwsgi_version"
  mv -T "$folder.new/wheels" "$folder"
  rm -rf "$folder.new"
}

# Every app has its own copy, so the wheels of other versions and Pythons are not needed.
remove_old_wheels() {
  local folder
  for folder in "$wheels_folder"/*; do
    if [[ $pythons != *"|$folder|"* ]]; then rm -rf "$folder"; fi
  done
}

# Prints the versions of uWSGI and Python for each Python, as JSON.
versions() {
  local name python isolation separator=''
  printf '{'
  while IFS='|' read -r name _ python isolation _; do
    # shellcheck disable=SC2086 # a list of words
    printf '%s"%s": {"uwsgi": "%s", "python": "%s"}' "$separator" "$name" "$uwsgi_version" \
      "$("$python" $isolation -c 'import platform; print(platform.python_version())')"
    separator=', '
  done <<< "${pythons%$'\n'}"
  printf '}\n'
}
