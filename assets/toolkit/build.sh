#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the callers
# Builds what is made of downloaded code: an app's virtual environment, uWSGI. That code runs as a user for this one build,
# _NAME (apps' names have no underscore), in the unit uwsgi-build@NAME, and never as root or as the app's user. What is built
# becomes root's afterwards.
#
# In /var/lib/uwsgi-nginx/builds/NAME while it lasts: command, what the unit runs
#                                                     log      its output
#                                                     code     its exit code
#                                                     work     the user's own folder

builds_folder=$state_folder/builds
# The build that goes on.
build_name=''
# For the next commands of a build: the folder that they run in, and NAME=VALUE of their environment, which may be secret.
build_place=''
build_variables=()

# Makes the user and folders of a build; the last one may have been interrupted. Argument: NAME
begin_build() {
  build_name=$1 build_folder=$builds_folder/$1 build_work=$builds_folder/$1/work
  end_build "$1"
  make_build_user "$1"
  install -d -m 755 "$builds_folder"
  install -d -m 750 -g "_$1" "$build_folder"
  install -d -m 700 -o "_$1" -g "_$1" "$build_work"
}

# The comment in /etc/passwd of a build's user, so that no other user is ever removed. Argument: NAME
build_comment() { printf 'uwsgi-nginx build %s' "$1"; }

make_build_user() {
  local user=_$1
  if is_build_user "$1"; then return 0; fi
  if getent passwd "$user" > /dev/null; then
    fail "The server already has a user $user, and builds need one of that name." "rename that user on the server, then deploy again."
  fi
  quietly "Making the user $user" useradd --system --user-group --no-create-home --home-dir /nonexistent \
    --shell /sbin/nologin --comment "$(build_comment "$1")" "$user"
}

is_build_user() { [[ $(getent passwd "_$1" | cut -d : -f 5) == "$(build_comment "$1")" ]]; }

# Prints the names of builds that have a user.
builds() { getent passwd | awk -F: '$5 ~ /^uwsgi-nginx build / { print substr($1, 2) }'; }

# Ends whatever a build still does. Argument: NAME
end_build() {
  [[ -e $builds_folder/$1 ]] || return 0
  systemctl stop "uwsgi-build@$1.service" 2> /dev/null || true
  systemctl reset-failed "uwsgi-build@$1.service" 2> /dev/null || true
  end_processes "_$1"
  rm -rf "${builds_folder:?}/$1"
}

# Apps' names have no underscore.
end_uwsgi_builds() {
  local folder
  for folder in "$builds_folder"/uwsgi_*; do end_build "${folder##*/}"; done
}

# Argument: NAME
remove_build_user() {
  end_build "$1"
  if is_build_user "$1"; then remove_user "_$1"; fi
  # The next user may have the same number.
  rm -rf "${cache_folder:?}/$1"
}

# Runs a command of the build, as `quietly` does. Arguments: WHAT COMMAND…
build() {
  local what=$1 output
  shift
  run_silently in_unit "$@" || fail_with_output "$what" "$output" "$@"
}

# Runs a command as the build's user, in its unit, and prints its output.
in_unit() {
  local name code
  {
    printf 'exec > %q 2>&1\n' "$build_folder/log"
    # A package index may need a password, which is not an argument, because everybody sees those.
    for name in $(compgen -e | grep --extended-regexp '^(PIP_.*|LC_ALL|PATH|.*_proxy|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE)$'); do
      printf 'export %s=%q\n' "$name" "${!name}"
    done
    printf 'export HOME=%q\n' "$build_work"
    for name in ${build_variables[@]+"${build_variables[@]}"}; do printf 'export %s=%q\n' "${name%%=*}" "${name#*=}"; done
    [[ -z $build_place ]] || printf 'cd %q || exit\n' "$build_place"
    printf '%q ' "$@"
    # shellcheck disable=SC2016 # expanded by that bash
    printf '\ncode=$?\nprintf %%s "$code" > %q\nexit "$code"\n' "$build_folder/code"
  } > "$build_folder/command" || return
  install -m 620 -g "_$build_name" /dev/null "$build_folder/code" || return
  # It may also fail because what the command has left behind did not end at once.
  run_unit "uwsgi-build@$build_name.service" "$build_folder" "_$build_name" || true
  code=$(head -c 3 "$build_folder/code")
  # Otherwise systemd says why it was ended or not started.
  [[ -n $code ]] || cat "$build_folder/systemctl"
  [[ $code == 0 ]]
}

# Runs a command as the build's user, but not in its unit: only tools of the system.
as_builder() { (close_locks && exec runuser -u "_$build_name" -- "$@"); }

# Starts a unit whose command writes to FOLDER/log, waits for its end, and prints that file. Arguments: UNIT FOLDER GROUP
run_unit() {
  local status=0
  # Root's, so that the unit's user can write to it but not put a link in its place.
  install -m 620 -g "$3" /dev/null "$2/log" || return
  systemctl start "$1" > "$2/systemctl" 2>&1 || status=$?
  tail -c 100000 "$2/log" | tr -d '\0'
  return "$status"
}

# Makes what was built root's. Arguments: FOLDER TARGET GROUP
hand_over() {
  end_processes "_$build_name"
  take_copy "_$build_name" "$1" "$2" "$3" u=rwX,go=rX,a-st
}

# Puts a copy that is root's in the place of a folder that a user could write to. It is packed as that user, so nothing comes
# with it that this user may not read, as would by a hard link if only the owner was changed.
# Arguments: USER FOLDER TARGET GROUP MODES
take_copy() {
  local user=$1 folder=$2 target=$3 group=$4 modes=$5 new=$3.new
  rm -rf "$new"
  install -d -m 700 "$new"
  (close_locks && exec runuser -u "$user" -- tar -C "$folder" -cf - .) | tar -C "$new" -xf - --no-same-owner --no-same-permissions ||
    fail "What was built in $folder could not be copied." "solve the problem that tar reports above, then deploy again."
  find "$new" ! -type f ! -type d ! -type l -delete
  chgrp -hR "$group" "$new"
  chmod -R "$modes" "$new"
  sync_folder "$new"
  rm -rf "$folder"
  mv -T "$new" "$target"
}
