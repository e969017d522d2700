#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by apps.sh
# The verb `exec`: runs a command in the code of an app's live release, as the app's user and with its variables. It has no
# manifest, and changes nothing by itself. Arguments: APP COMMAND…

verb_exec() {
  local app=$1 folder=$apps_folder/$1 release code user groups lang
  shift
  if ! [[ $app =~ ^[a-z][a-z0-9-]*$ ]] || ! is_claimed "$app"; then
    fail "The server has no app $app. Its apps are: $(claimed_apps | paste -sd ' '). Nothing was changed." "name one of them, or deploy the app first."
  fi
  if [[ ! -e $folder/last-good || ! -e $folder/current/app ]]; then
    fail "App $app has no live release yet. Nothing was changed." "deploy it first: npm run up -- STACK"
  fi
  release=$(readlink "$folder/current") && release=${release#releases/}
  code=$folder/releases/$release
  # Root's folder, so root has made it.
  user=$(stat --format %u "$folder/shared")
  groups=$(id -G "$(id -un "$user")")
  # As systemd gives it to the app.
  lang=$(systemctl show-environment | sed -n 's/^LANG=//p')
  umask 027
  # Only root reads the app's variables. They go over a pipe to a shell that is the app's user already.
  exec 3< <(
    # As in uwsgi-command.service.
    printf '%s=%q\n' HOME "$folder/shared" PYTHONUNBUFFERED 1 PYTHONDONTWRITEBYTECODE 1
    cat "$code/environment" "$code/secrets" 2> /dev/null || true
    command_variables "$release" "$(readlink "$code/venv")"
  )
  # What is started has no way back to root: no program's set-user-id bit counts, and nothing reads from a terminal that it
  # may have written to (TIOCSTI), because the session ends with it.
  exec setpriv --reuid "$user" --regid "${groups%% *}" --groups "${groups// /,}" --no-new-privs \
    env -i "PATH=$PATH" ${TERM:+"TERM=$TERM"} ${lang:+"LANG=$lang"} "USER=$(id -un "$user")" \
    /bin/bash -c "$exec_program" "$app" "$code/app" "$@"
}

# variableLines in rendering/environment.ts writes what a shell reads, too.
# shellcheck disable=SC2016 # expanded by that shell
exec_program='
set -a
eval "$(cat <&3)"
set +a
exec 3<&-
cd "$1" || exit
shift
exec -- "$@"
'
