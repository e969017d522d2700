#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Makes an app's virtual environment with its requirements and uWSGI.

install_requirements() {
  if is_complete; then return 0; fi
  begin_build "$app"
  own_cache
  pip_settings "$cache_folder/$app"
  # Environments cannot be moved, so it is built at its place.
  rm -rf "$venv"
  install -d -m 751 "$(dirname "$venv")"
  install -d -m 700 -o "_$app" -g "_$app" "$venv"
  make_environment "$venv"
  if [[ -n $requirements ]]; then
    say "$app: installing the requirements"
    local version compile=''
    version=$("$python" --version 2>&1)
    printf '%s' "$requirements" > "$build_folder/requirements.txt"
    command -v gcc > /dev/null || compile=" If one of them is compiled, add these packages to apps.$app.packages: $compiler."
    advice="correct the requirements. If one of them needs a newer Python than the server's $version, pin an older release of it or set apps.$app.python.$compile" \
      build "Installing the requirements with $version" "$venv/bin/python" -m pip install --requirement "$build_folder/requirements.txt"
  fi
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
  # The requirements may include it.
  if [[ -x $venv/bin/uwsgi ]]; then return 0; fi
  if [[ -n $uwsgi_executable ]]; then
    build "Linking $uwsgi_executable" ln -s "$uwsgi_executable" "$venv/bin/uwsgi"
  else
    build "Installing uWSGI into $venv" "$venv/bin/python" -m pip install --no-index --find-links "$wheels" "$uwsgi_requirement"
  fi
}
