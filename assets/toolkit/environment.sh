#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Makes an app's virtual environment and installs its requirements.

install_requirements() {
  # Environments cannot be moved into place, so a marker shows that one is complete.
  if [[ -e $venv/.complete ]]; then return 0; fi
  pip_settings "$cache_folder/$app"
  make_environment "$venv"
  if [[ -n $requirements ]]; then
    say "$app: installing the requirements"
    local version
    version=$("$python" --version 2>&1)
    printf '%s' "$requirements" > "$work/requirements.txt"
    advice="correct the requirements. If one of them needs a newer Python than the server's $version, pin an older release of it or set apps.$app.python." \
      quietly "Installing the requirements with $version" "$venv/bin/python" -m pip install --requirement "$work/requirements.txt"
  fi
  touch "$venv/.complete"
}
