#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh, release.sh and exec.sh
# Runs the commands of an app (apps.APP.commands) as its user, one after the other, in the transient unit uwsgi-command@APP. It
# is sandboxed like the app's.
#
# While one runs: /opt/apps/APP/command                   link to its release
#                 /var/lib/uwsgi-nginx/commands/APP       command, what the unit runs; log, its output

# Completes the code of a release that is not complete yet. Nothing else can write to it. Argument: the release's folder
run_build_commands() {
  local new=$1
  [[ -n $build_commands ]] || return 0
  # Its processes may be running, so nobody gets in while the owners change.
  chmod 700 "$new"
  chown -hR "$uid:$group" "$new/app"
  chmod 751 "$new"
  # Another user does not get into what is the old one's, who serves requests meanwhile.
  if ! is_owner; then
    chmod o+x "$releases"
    opened_environment=$venv
    chmod o+rx "$venv"
  fi
  run_commands build "$new" "$build_commands"
  close_environment
  (close_locks && compile_as_user "$new/app")
  take_copy "$uid" "$new/app" "$new/app" "$group" u=rwX,g=rX,o=,a-st
}

# An environment that is open to a user who is not the app's yet.
opened_environment=''

# Also at the end of the script.
close_environment() {
  if [[ -n $opened_environment ]]; then chmod o= "$opened_environment"; fi
  opened_environment=''
}

# Build commands may have put links where root would write. Argument: FOLDER
compile_as_user() {
  # shellcheck disable=SC2086 # a list of words
  runuser -u "$uid" -- "$python" $isolation -S -m compileall -q "$1" > /dev/null 2>&1 || true
}

# Runs once for a release that is complete. The file says that all have succeeded.
run_release_commands() {
  local marker=$releases/$release/commands-done
  [[ -n $release_commands && ! -e $marker ]] || return 0
  # It may be part of a condition, in which a failure ends nothing by itself.
  run_commands release "$releases/$release" "$release_commands" || return
  : > "$marker" || return
  sync_file "$marker"
}

# Arguments: build|release FOLDER LINES
run_commands() {
  local kind=$1 line
  install -d -m 755 "$commands_folder" || return
  install -d -m 750 -g "$group" "$commands_folder/$app" || return
  ln -sfnT "$2" "$folder/command" || return
  write_text "$uwsgi_command" "$transient_folder/uwsgi-command@$app.service" || return
  systemctl daemon-reload || return
  while IFS= read -r line; do run_command "$line" < /dev/null; done <<< "${3%$'\n'}"
  remove_command "$app"
}

# The caller declares kind. Argument: COMMAND
run_command() {
  local file=$commands_folder/$app/command unit=uwsgi-command@$app.service text output problem
  # shellcheck disable=SC2034 # for run_silently
  local what="$app: $kind command: $1"
  say "$what"
  text=$(
    printf 'exec > %q 2>&1\n' "$commands_folder/$app/log"
    command_variables "$release" "$venv"
    printf 'exec /bin/bash -ec %q\n' "$1"
  )
  output=''
  if ! { printf '%s\n' "$text" > "$file" && chgrp "$group" "$file" && chmod 640 "$file"; }; then
    fail_command "$1" "could not be written to $commands_folder"
  fi
  if ! run_silently run_unit "$unit" "$commands_folder/$app" "$group"; then
    problem=$(problem_of_unit "$unit")
    if [[ -n $problem ]]; then fail_command "$1" "$problem"; fi
  fi
  shown_output | sed 's/^/    /' >&2
}

# Prints how the command of a unit has failed. Nothing if only what it has left behind did not end at once. Argument: UNIT
problem_of_unit() {
  local name value result='' code='' status=''
  while IFS='=' read -r name value; do
    case $name in Result) result=$value ;; ExecMainCode) code=$value ;; ExecMainStatus) status=$value ;; esac
  done < <(systemctl show --property Result --property ExecMainCode --property ExecMainStatus "$1")
  # The codes are those of waitid(2): 1 is an exit, 2 and 3 are signals.
  case $code,$status,$result in
    1,0,*) ;;
    *,timeout) printf 'did not end within %s seconds (apps.%s.commands.timeoutSeconds)' "$command_timeout" "$app" ;;
    1,*) printf 'failed (exit status %s)' "$status" ;;
    [23],*) printf 'was ended (signal %s)' "$(kill -l "$status")" ;;
    *) printf 'could not be started (%s)' "$(head -n 1 "$commands_folder/$app/systemctl")" ;;
  esac
}

# Ends the script. Arguments: COMMAND PROBLEM
fail_command() {
  local live left=''
  live=$(what_is_live)
  if [[ $kind == release ]]; then left="What it and the commands before it have changed in the app's data stays changed. "; fi
  fail "The $kind command \"$1\" of app $app $2. $left$live." "correct the app or apps.$app.commands, then deploy again." \
    "$(shown_output)"
}

# Prints the end of the caller's output, as it may become part of a stack's state: without secrets, and as text.
shown_output() {
  [[ -n $output ]] || return 0
  hide_secrets <<< "$output" | tr -d '\000-\010\013-\037\177' | tail -n 40 | cut -b -2000 | iconv -c -f UTF-8 -t UTF-8 || true
}

# Prints what a shell sets for a command, after the app's variables. Arguments: RELEASE VENV
command_variables() {
  printf 'export %s=%q\n' VIRTUAL_ENV "$2" APP_NAME "$app" APP_DATA "$folder/shared" APP_RELEASE "$1"
  # shellcheck disable=SC2016 # expanded by that shell
  printf 'export PATH=%q:"$PATH"\n' "$2/bin"
}
