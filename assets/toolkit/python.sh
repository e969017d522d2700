#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Makes virtual environments and configures pip. All of it runs in builds (build.sh).
# The caller declares python, isolation, virtualenv, tools, seed, ca_bundle, pip_index and proxy. isolation are the options that
# keep that Python from importing what is in the working directory or in the user's folders. virtualenv and tools are
# requirements with the hashes of their packages.

# Argument: folder for pip's downloads
pip_settings() {
  local file
  export PIP_CACHE_DIR=$1 PIP_CERT=$ca_bundle PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  if [[ -n $pip_index ]]; then
    export PIP_INDEX_URL=$pip_index
  elif ! grep --quiet --no-messages '^ *index-url' /etc/pip.conf "${HOME:-/root}"/{.pip,.config/pip}/pip.conf; then
    # pip 8 has an old address of PyPI as its default.
    export PIP_INDEX_URL=${PIP_INDEX_URL:-https://pypi.org/simple}
  fi
  [[ -z $proxy ]] || export PIP_PROXY=$proxy
  LC_ALL=$(utf8_locale) || LC_ALL=C
  # Root's own configuration of pip, because builds cannot read its home.
  for file in .pip/pip.conf .config/pip/pip.conf; do
    [[ ! -f ${HOME:-/root}/$file ]] || install -D -m 644 "${HOME:-/root}/$file" "$build_work/$file"
  done
  chown -R "_$build_name" "$build_work"
}

# Builds of many packages read UTF-8 files, which fails with older Pythons in the locale C.
utf8_locale() {
  local all
  all=$(locale -a 2> /dev/null) || return
  grep --ignore-case --extended-regexp --max-count 1 '^(C|en_US)\.utf-?8$' <<< "$all"
}

# Makes an environment with pip and its build tools, called seed packages. They are copied from the folder seed, if it is there:
# installing them takes ten times as long. The system's own pip and its packages are not changed. Argument: FOLDER
make_environment() {
  local what="Making the virtual environment $1" fetched=$build_work/seed/virtualenv tool
  # shellcheck disable=SC2086 # a list of words
  if [[ -d $seed ]]; then
    tool=(-m venv --without-pip)
    [[ -z $virtualenv ]] || tool=("$seed/virtualenv/virtualenv.py" --no-download --no-pip --no-setuptools --no-wheel --python "$python")
    # shellcheck disable=SC2016 # expanded by that bash
    build "$what" bash -ec '"${@:3}" "$1"; cp -Rp "$2/packages/." "$1"/lib/python*/site-packages/
      printf "#!/bin/sh\nexec %s/bin/python -m pip \"\$@\"\n" "$1" > "$1/bin/pip"; chmod 755 "$1/bin/pip"' \
      bash "$1" "$seed" "$python" $isolation "${tool[@]}"
    return
  fi
  # shellcheck disable=SC2086 # a list of words
  if [[ -z $virtualenv ]]; then
    build "$what" "$python" $isolation -m venv "$1"
  else
    install_known "Fetching virtualenv" "$virtualenv" "$python" $isolation -m pip install --no-deps --target "$fetched"
    build "$what" "$python" $isolation "$fetched/virtualenv.py" --no-download --python "$python" "$1"
  fi
  [[ -z $tools ]] || install_known "Preparing pip in $1" "$tools" "$1/bin/python" -m pip install
}

# Keeps the seed packages of a new environment for the next ones. Argument: FOLDER
keep_seed() {
  # shellcheck disable=SC2016 # expanded by that bash
  build "Copying the packages of $1" bash -ec 'mkdir -p "$2"; cp -Rp "$1"/lib/python*/site-packages "$2/packages"' \
    bash "$1" "$build_work/seed"
  hand_over "$build_work/seed" "$seed" root
}

# Installs what this project names. Arguments: WHAT REQUIREMENTS COMMAND…
install_known() {
  local what=$1 output
  shift
  run_pip "$@" || fail_with_output "$what" "$output" "${@:2}" "$1"
}

# Runs pip with requirements of this project, and accepts only packages with their hashes, if there are any. Its output goes
# to the caller's variable `output`, and what it does is in the caller's `what`. Arguments: REQUIREMENTS COMMAND…
run_pip() {
  local file=$build_folder/known.txt names hashes=''
  # Each requirement has a line of its own, with its hashes.
  # shellcheck disable=SC2001 # bash's own replacement knows no groups
  sed 's/ \([^-]\)/\n\1/g' <<< "$1" > "$file"
  if [[ $1 == *" --hash="* ]]; then hashes=--require-hashes; fi
  names=$(cut -d ' ' -f 1 "$file" | paste -s -d ' ')
  shift
  if run_silently in_unit "$@" ${hashes:+"$hashes"} --requirement "$file"; then return 0; fi
  if [[ -n $hashes ]] && grep --quiet 'DO NOT MATCH THE HASHES' <<< "$output"; then
    fail "The package index has other packages than the original ones of $names. Their SHA-256 sums differ, so they were not installed." \
      "set server.pipIndex to an index that has the original packages." "$(grep --after-context 6 'DO NOT MATCH THE HASHES' <<< "$output")"
  fi
  return 1
}
