#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2034 # declared by server.sh
# Provides uWSGI for each Python, as uwsgi_from says:
#   source        compiled once, as a wheel that each app's virtual environment installs quickly
#   wheel         the wheel of pyuwsgi, which is uWSGI compiled
#   distribution  the system's packages, which are installed by then
# The caller declares uwsgi_from, uwsgi_version, uwsgi_executable, title and pythons: lines of
# NAME|FOLDER|SEED|REQUIREMENT|EXECUTABLE|ISOLATION|VIRTUALENV|TOOLS|COMPILE_TOOLS, in which requirements have the hashes of
# their packages. The folder is empty for the distribution's uWSGI; for the seed see python.sh.

wheels_folder=/opt/uwsgi

# Argument: a line of pythons
build_wheel() {
  local name folder seed requirement python isolation virtualenv tools compile_tools
  IFS='|' read -r name folder seed requirement python isolation virtualenv tools compile_tools <<< "$1"
  # Folders are moved to their places when they are complete, so an existing one is never half built.
  if [[ -d $seed && (-z $folder || -d $folder) ]]; then return 0; fi
  begin_build "uwsgi_python${name//./}"
  pip_settings "$build_work/cache"
  mkdir -p "$wheels_folder"
  make_environment "$build_work/environment"
  [[ -d $seed ]] || keep_seed "$build_work/environment"
  if [[ -n $folder && ! -d $folder ]]; then fetch_wheel; fi
  remove_build_user "$build_name"
}

fetch_wheel() {
  local environment=$build_work/environment made=$build_work/wheels uwsgi=${requirement%% *} version
  local pip=("$environment/bin/python" -m pip)
  version=$("$python" --version 2>&1)
  if [[ $uwsgi_from == wheel ]]; then
    say "uWSGI ${uwsgi#*==}: downloading for $version"
    fetch_uwsgi "Downloading uWSGI" "${pip[@]}" download --no-deps --only-binary :all: --dest "$made"
  else
    say "uWSGI ${uwsgi#*==}: compiling for $version"
    [[ -z $compile_tools ]] || install_known "Preparing to compile uWSGI" "$compile_tools" "${pip[@]}" install
    fetch_uwsgi "Compiling uWSGI" "${pip[@]}" wheel --no-deps --no-build-isolation --no-binary uwsgi --wheel-dir "$made"
  fi
  build "Installing uWSGI" "${pip[@]}" install --no-index --find-links "$made" "$uwsgi"
  # shellcheck disable=SC2016 # expanded by that bash
  build "Starting uWSGI" bash -c '"$0" --version > "$1"' "$environment/bin/uwsgi" "$made/version"
  hand_over "$made" "$folder" root
}

# Runs pip for uWSGI. If there is no such version, the error lists those that there are for this Python. The caller declares
# requirement, uwsgi and version. Arguments: WHAT COMMAND…
fetch_uwsgi() {
  local what=$1 output offered
  shift
  if run_pip "$requirement" "$@"; then return 0; fi
  # Without the versions before a release, such as 2.0.27a1.
  offered=$(sed -n -E 's/.*Could not find a version .*\(from versions: ([0-9][^)]*)\).*/\1/p' <<< "$output" | head -n 1 |
    sed -E 's/[0-9.]+(a|b|rc)[0-9]+(, |$)//g; s/, $//')
  if [[ -n $offered ]]; then
    fail "The package index has no $uwsgi_from of uWSGI ${uwsgi#*==} for $version. It has the versions below." \
      "set uwsgi.version to one of them, or remove it; or change uwsgi.from." "$(fold -s -w 100 <<< "$offered")"
  fi
  advice="solve the problem that the output above shows, or change uwsgi.from, then deploy again." \
    fail_with_output "$what" "$output" "$@" "$uwsgi"
}

# The distribution has one version.
require_packaged_version() {
  local found
  [[ $uwsgi_from == distribution && -n $uwsgi_version ]] || return 0
  found=$("$uwsgi_executable" --version)
  [[ ${found%%-*} == "$uwsgi_version" ]] ||
    fail "The packages of $title have no uWSGI $uwsgi_version. They have ${found%%-*}." \
      "remove uwsgi.version, or set it to ${found%%-*}; or change uwsgi.from."
}

# Every app has its own copy, so those of other versions and Pythons are not needed.
remove_old_wheels() {
  local folder
  for folder in "$wheels_folder"/*; do
    if [[ $pythons != *"|$folder|"* ]]; then rm -rf "$folder"; fi
  done
}

# Prints the versions of uWSGI and Python for each Python, as JSON.
versions() {
  local name folder python isolation uwsgi separator=''
  printf '{'
  while IFS='|' read -r name folder _ _ python isolation _; do
    # A build may have put a link there.
    if [[ -L $folder/version ]]; then uwsgi=''; elif [[ -n $folder ]]; then uwsgi=$(head -c 50 "$folder/version" | tr -dc '[:alnum:].+-'); else uwsgi=$("$uwsgi_executable" --version); fi
    # shellcheck disable=SC2086 # a list of words
    printf '%s"%s": {"uwsgi": "%s", "python": "%s"}' "$separator" "$name" "$uwsgi" \
      "$("$python" $isolation -c 'import platform; print(platform.python_version())')"
    separator=', '
  done <<< "${pythons%$'\n'}"
  printf '}\n'
}
