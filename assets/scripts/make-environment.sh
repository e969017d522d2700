#!/usr/bin/env bash
# Makes an app's virtual environment and installs its requirements.
# Parameters: NAME=VALUE… (requirements is a file, empty if there is none; cache is pip's folder)

main() {
  # shellcheck disable=SC2034 # used by python.sh
  local python='' virtualenv='' tools='' ca_bundle='' pip_index='' proxy='' venv='' requirements='' cache=''
  parameters "$@"
  pip_settings "$cache"
  lock "venv-$(basename "$venv")" 1200
  # Environments cannot be moved into place, so a marker shows that one is complete.
  if [[ -e $venv/.complete ]]; then return 0; fi
  make_environment "$venv"
  if [[ -n $requirements ]]; then
    say "requirements: installing"
    local version
    version=$("$python" --version 2>&1)
    advice="correct the requirements. If one of them needs a newer Python than the server's $version, pin an older release of it or set apps.APP.python." \
      quietly "Installing the requirements with $version" "$venv/bin/python" -m pip install --requirement "$requirements"
  fi
  touch "$venv/.complete"
}
