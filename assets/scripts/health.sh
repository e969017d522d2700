#!/usr/bin/env bash
# Judges what an app answered, the same way wherever it was asked.

# Says what is wrong with an answer; nothing where it is right.
# Arguments: STATUS (as ask_http prints it) BODY_FILE CONTAINS
verdict() {
  local status=$1 body=$2 contains=$3
  case $status in
    2?? | 3??) ;;
    late) printf 'did not answer in time (healthCheck.timeoutSeconds)' && return ;;
    none) printf 'broke off without an answer' && return ;;
    *) printf 'answered with status %s' "$status" && return ;;
  esac
  if [[ ! -s $body && $status == 200 ]]; then
    printf 'answered with status 200 and an empty body (on Python 3 a WSGI app must return bytes, not str)'
  elif [[ -n $contains ]] && ! grep --quiet --fixed-strings -e "$contains" "$body"; then
    printf 'answered with status %s, but without the text "%s" of healthCheck.contains' "$status" "$contains"
  fi
}

# Asks over HTTP and prints the status, or `late`, or `none` where the connection broke; the body goes to a file.
# Arguments: URL HOST SECONDS BODY_FILE
ask_http() {
  local result=0
  : > "$4"
  curl --silent --noproxy '*' --max-time "$3" --header "Host: $2" --output "$4" --write-out '%{http_code}' "$1" > "$4.status" ||
    result=$?
  case $result in
    0) cat "$4.status" ;;
    28) printf late ;; # curl(1): operation timeout
    *) printf none ;;
  esac
}
