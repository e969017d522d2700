#!/usr/bin/env bash
# Waits until cloud-init has finished the first boot, because sshd answers before that, then checks that the login user can
# become root. Runs as that user.
# Parameters: NAME=VALUE… (timeout in seconds; notice: file with what the first boot has to say; check_sudo is the text of
# check-sudo.sh)

main() {
  local timeout='' notice='' check_sudo='' rc=0 status
  parameters "$@"
  command -v cloud-init > /dev/null ||
    fail "The server's image has no cloud-init. Nothing was changed." "set server.amiId to an image with cloud-init."
  say "waiting for cloud-init (at most $timeout seconds)"
  timeout "$timeout" cloud-init status --wait > /dev/null || rc=$?
  # 2: it has recovered from errors (cloud-init 23.4 and newer).
  # https://docs.cloud-init.io/en/latest/explanation/return_codes.html
  if ((rc == 0 || rc == 2)); then
    [[ ! -s $notice ]] || say "$(< "$notice")"
    bash -c "$check_sudo" check-sudo none
    return
  fi
  # The login user of an image is in the group that may read the log.
  status=$({ cloud-init status --long; tail -n 25 /var/log/cloud-init-output.log; } 2>&1) || true
  if ((rc == 124)); then
    fail "The first boot did not finish within $timeout seconds (cloud-init)." "deploy again, which continues to wait." "$status"
  fi
  fail "The first boot failed (cloud-init)." \
    "replace the server: set another server.amiId, or destroy the stack and deploy again." "$status"
}
