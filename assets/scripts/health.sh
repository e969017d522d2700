#!/usr/bin/env bash
# Judges what an app answered, the same way wherever it was asked.

# Says what is wrong with an answer; nothing where it is right.
# Arguments: STATUS BODY_FILE CONTAINS
verdict() {
  local status=$1 body=$2 contains=$3
  case $status in
    2?? | 3??) ;;
    000 | "") printf 'did not answer' && return ;;
    *) printf 'answered with status %s' "$status" && return ;;
  esac
  if [[ ! -s $body && $status == 200 ]]; then
    printf 'answered with status 200 and an empty body (on Python 3 a WSGI app must return bytes, not str)'
  elif [[ -n $contains ]] && ! grep --quiet --fixed-strings -e "$contains" "$body"; then
    printf 'answered with status %s, but without the text "%s" of healthCheck.contains' "$status" "$contains"
  fi
}

# Asks over HTTP and prints the status; the body goes to a file. Arguments: URL HOST SECONDS BODY_FILE
ask_http() {
  curl --silent --noproxy '*' --max-time "$3" --header "Host: $2" --output "$4" --write-out '%{http_code}' "$1" || true
}
