#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Makes virtual environments and configures pip.
# The caller declares python, isolation, virtualenv, tools, ca_bundle, pip_index and proxy. isolation are the options that
# keep that Python from importing what is in the working directory or in the user's folders.

# Argument: folder for pip's downloads
pip_settings() {
  export PIP_CACHE_DIR=$1 PIP_CERT=$ca_bundle PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  if [[ -n $pip_index ]]; then
    export PIP_INDEX_URL=$pip_index
  elif ! grep --quiet --no-messages '^ *index-url' /etc/pip.conf "${HOME:-/root}"/{.pip,.config/pip}/pip.conf; then
    # pip 8 has an old address of PyPI as its default.
    export PIP_INDEX_URL=${PIP_INDEX_URL:-https://pypi.org/simple}
  fi
  [[ -z $proxy ]] || export PIP_PROXY=$proxy
  LC_ALL=$(utf8_locale) || LC_ALL=C
}

# Builds of many packages read UTF-8 files, which fails with older Pythons in the locale C.
utf8_locale() {
  local all
  all=$(locale -a 2> /dev/null) || return
  grep --ignore-case --extended-regexp --max-count 1 '^(C|en_US)\.utf-?8$' <<< "$all"
}

# Makes an environment with pip and its build tools. The system's own pip and its packages are not changed.
# Argument: FOLDER
make_environment() {
  local what="Making the virtual environment $1"
  rm -rf "$1" "$1.virtualenv"
  mkdir -p "$(dirname "$1")"
  # shellcheck disable=SC2086 # a list of words
  if [[ -z $virtualenv ]]; then
    quietly "$what" "$python" $isolation -m venv "$1"
  else
    quietly "Fetching virtualenv" "$python" $isolation -m pip install --no-deps --target "$1.virtualenv" "virtualenv==$virtualenv"
    quietly "$what" "$python" $isolation "$1.virtualenv/virtualenv.py" --no-download --python "$python" "$1"
    rm -rf "$1.virtualenv"
  fi
  # shellcheck disable=SC2086 # a list of words
  [[ -z $tools ]] || quietly "Preparing pip in $1" "$1/bin/python" -m pip install $tools
}
