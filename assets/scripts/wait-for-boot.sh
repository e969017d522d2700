#!/usr/bin/env bash
# Waits until cloud-init has done all that it does at the first boot, for sshd answers before that; then looks that the user
# who logs in can become root, so it runs as that user itself.
# Parameters: NAME=VALUE… (timeout in seconds; check_sudo: the text of check-sudo.sh)

main() {
  local timeout='' check_sudo='' rc=0
  parameters "$@"
  command -v cloud-init > /dev/null ||
    fail "there is no cloud-init on this server; nothing was changed" "Take an image that has it (server.amiId)."
  say "waiting for cloud-init (at most $timeout seconds)"
  timeout "$timeout" cloud-init status --wait > /dev/null || rc=$?
  # 2: it has ended, and recovered from what went wrong (cloud-init 23.4 and newer).
  if ((rc == 0 || rc == 2)); then
    bash -c "$check_sudo" check-sudo none
    return
  fi
  cloud-init status --long >&2 || true
  # The users of images are in the group that may read it.
  tail -n 25 /var/log/cloud-init-output.log >&2 || true
  if ((rc == 124)); then
    fail "cloud-init has not ended after $timeout seconds; what it says of itself stands above" "Run up again: it waits again."
  fi
  fail "cloud-init has failed; what it says of itself stands above" \
    "A server that did not boot well is best made again: set another server.amiId, or destroy and up."
}
