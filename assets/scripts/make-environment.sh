#!/usr/bin/env bash
# Makes an app's virtual environment and installs its requirements.
# Parameters: NAME=VALUE… (requirements is a file; there is none where it is empty; cache is pip's folder)

main() {
  # shellcheck disable=SC2034 # a part has use for them
  local python='' virtualenv='' tools='' ca_bundle='' pip_index='' proxy='' venv='' requirements='' cache=''
  parameters "$@"
  pip_settings "$cache"
  lock "venv-$(basename "$venv")" 1200
  # An environment cannot be moved, so a half-made one is known by the missing mark and made again.
  if [[ -e $venv/.complete ]]; then return 0; fi
  make_environment "$venv"
  if [[ -n $requirements ]]; then
    say "requirements: installing"
    local version
    version=$("$python" --version 2>&1)
    advice="If one of them needs a newer Python than the server's $version: name an older release of it, or choose another Python with apps.APP.python." \
      quietly "installing the requirements with $version" "$venv/bin/python" -m pip install --requirement "$requirements"
  fi
  touch "$venv/.complete"
}
