#!/usr/bin/env bash
# The parameters of a script.

# Assigns NAME=VALUE arguments to variables that the caller has declared.
parameters() {
  local pair
  for pair; do
    [[ $pair =~ ^[a-z_0-9]+= ]] || fail "The script got the argument $pair, which is not NAME=VALUE." \
      "report this as a bug of this project."
    printf -v "${pair%%=*}" %s "${pair#*=}"
  done
}
