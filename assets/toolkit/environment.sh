#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Makes an app's virtual environment with its requirements and uWSGI.

install_requirements() {
  # One that was cut off has pip's secrets.
  end_build "$app"
  if is_complete; then return 0; fi
  begin_build "$app"
  own_cache
  pip_settings "$cache_folder/$app"
  # Environments cannot be moved, so it is built at its place.
  rm -rf "$venv"
  install -d -m 751 "$(dirname "$venv")"
  install -d -m 700 -o "_$app" -g "_$app" "$venv"
  make_environment "$venv"
  if [[ -n $requirements$requirements_file ]]; then run_requirements; fi
  install_uwsgi
  hand_over "$venv" "$venv" "$group"
  # A build may have put a link there.
  rm -rf "$venv/.complete"
  # Other apps have no business there.
  chmod 750 "$venv"
  touch "$venv/.complete"
  end_build "$app"
}

# While it is built it belongs to the build's user, who may put anything into it.
is_complete() { [[ -O $venv && -e $venv/.complete && -x $venv/bin/uwsgi ]]; }

# Earlier versions ran pip as root.
own_cache() {
  local cache=$cache_folder/$app
  if [[ $(stat --format %U "$cache" 2> /dev/null) != "_$app" ]]; then rm -rf "$cache"; fi
  mkdir -p "$cache_folder"
  install -d -m 700 -o "_$app" -g "_$app" "$cache"
}

install_uwsgi() {
  if [[ -n $uwsgi_executable ]]; then
    # It would not load the system's plugin of Python, which is made for another version of uWSGI.
    [[ ! -e $venv/bin/uwsgi ]] ||
      fail "The requirements of app $app install a uWSGI of their own, and uwsgi.from is distribution." \
        "remove uwsgi and pyuwsgi from the requirements, or set uwsgi.from to source or wheel."
    build "Linking $uwsgi_executable" ln -s "$uwsgi_executable" "$venv/bin/uwsgi"
    # The system may update it.
    return
  fi
  # The requirements may include it.
  [[ -x $venv/bin/uwsgi ]] ||
    build "Installing uWSGI into $venv" "$venv/bin/python" -m pip install --no-index --find-links "$wheels" "$uwsgi_requirement"
  # shellcheck disable=SC2016 # expanded by that bash
  build "Starting uWSGI" bash -c '"$1/bin/uwsgi" --version > "$1/uwsgi-version"' bash "$venv"
}

# Prints the version of the uWSGI that the environment has. Nothing if that is the system's.
uwsgi_version_of() {
  # A build may have put a link there.
  [[ ! -f $1/uwsgi-version || -L $1/uwsgi-version ]] || head -c 50 "$1/uwsgi-version" | tr -dc '[:alnum:].+-'
}
