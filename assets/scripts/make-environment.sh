#!/usr/bin/env bash
# Makes an app's virtual environment and installs its requirements.
# Parameters: NAME=VALUE… (requirements is a file; there is none where it is empty; cache is pip's folder)

main() {
  local python='' venv='' requirements='' ca_bundle='' cache=''
  parameters "$@"
  export PIP_CERT=$ca_bundle PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_CACHE_DIR=$cache
  lock "venv-$(basename "$venv")" 1200
  # An environment cannot be moved, so a half-made one is known by the missing mark and made again.
  if [[ -e $venv/.complete ]]; then return 0; fi
  rm -rf "$venv"
  mkdir -p "$(dirname "$venv")"
  quietly "making the virtual environment $venv" "$python" -m venv "$venv"
  if [[ -n $requirements ]]; then
    say "requirements: installing"
    quietly "installing the requirements with $("$python" --version 2>&1)" "$venv/bin/pip" install --requirement "$requirements"
  fi
  touch "$venv/.complete"
}
