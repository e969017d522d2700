#!/usr/bin/env bash
# Reads a manifest: NAME=VALUE lines; a line NAME: that is followed by the lines of a text, each after a `|`; and `end`.

# Assigns the manifest on stdin to variables that the caller has declared. It may have more names, because `down` gets the
# manifest of an earlier version.
read_manifest() {
  local line name names values last=-1 i
  while IFS= read -r line && [[ $line != end ]]; do
    case $line in
      \|*) values[last]+=${line#|}$'\n' ;;
      *)
        [[ $line =~ ^([a-z_0-9]+)(=(.*)|:)$ ]] || fail_manifest
        last=$((last + 1))
        names[last]=${BASH_REMATCH[1]}
        values[last]=${BASH_REMATCH[3]}
        ;;
    esac
  done
  [[ $line == end ]] || fail_manifest
  # No command may read what the caller still has to say.
  exec < /dev/null
  for ((i = 0; i <= last; i++)); do
    name=${names[i]}
    if [[ -n ${!name+declared} ]]; then printf -v "$name" %s "${values[i]}"; fi
  done
}

fail_manifest() {
  fail "The manifest is not complete: the connection broke while it was sent. Nothing was changed." "deploy again."
}
