#!/usr/bin/env bash
# Health checks, the same for every way in which an app is reached.

# Prints what is wrong with a response, completing "The app …"; prints nothing if it is healthy.
# Arguments: STATUS (as http_get prints it) BODY_FILE CONTAINS
health_problem() {
  local status=$1 body=$2 contains=$3
  case $status in
    2?? | 3??) ;;
    timeout) printf 'did not answer within healthCheck.timeoutSeconds' && return ;;
    none) printf 'closed the connection without an answer' && return ;;
    *) printf 'answered with status %s' "$status" && return ;;
  esac
  if [[ ! -s $body && $status == 200 ]]; then
    printf 'answered with status 200 and an empty body (on Python 3 a WSGI app must return bytes, not str)'
  elif [[ -n $contains ]] && ! grep --quiet --fixed-strings -e "$contains" "$body"; then
    printf 'answered with status %s, but without the text "%s" of healthCheck.contains' "$status" "$contains"
  fi
}

# Sends a GET request and prints the status, `timeout`, or `none` if the connection broke. The body goes to a file.
# Arguments: URL HOST_HEADER SECONDS BODY_FILE
http_get() {
  local result=0
  : > "$4"
  curl --silent --noproxy '*' --max-time "$3" --header "Host: $2" --output "$4" --write-out '%{http_code}' "$1" > "$4.status" ||
    result=$?
  case $result in
    0) cat "$4.status" ;;
    28) printf timeout ;; # curl(1): operation timeout
    *) printf none ;;
  esac
}
