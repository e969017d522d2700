#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Makes an app's virtual environment and installs its requirements and uWSGI.

install_requirements() {
  # Environments cannot be moved into place, so a marker shows that one is complete.
  if [[ -e $venv/.complete ]]; then return 0; fi
  pip_settings "$cache_folder/$app"
  make_environment "$venv"
  if [[ -n $requirements ]]; then
    say "$app: installing the requirements"
    local version compile=''
    version=$("$python" --version 2>&1)
    printf '%s' "$requirements" > "$work/requirements.txt"
    command -v gcc > /dev/null || compile=" If one of them is compiled, add these packages to apps.$app.packages: $compiler."
    advice="correct the requirements. If one of them needs a newer Python than the server's $version, pin an older release of it or set apps.$app.python.$compile" \
      quietly "Installing the requirements with $version" "$venv/bin/python" -m pip install --requirement "$work/requirements.txt"
  fi
  touch "$venv/.complete"
}

install_uwsgi() {
  # The requirements may include it.
  if [[ -x $venv/bin/uwsgi ]]; then return 0; fi
  if [[ -n $uwsgi_executable ]]; then
    ln -sfn "$uwsgi_executable" "$venv/bin/uwsgi"
  else
    quietly "Installing uWSGI into $venv" "$venv/bin/pip" install --no-index --find-links "$wheels" "$uwsgi_requirement"
  fi
}
