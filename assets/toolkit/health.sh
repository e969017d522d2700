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

# Sends a GET request and prints the status, `timeout`, or `none` if the connection broke. At most two megabytes of the body go
# to a file. Arguments: URL HOST_HEADER SECONDS BODY_FILE
http_get() {
  local result=0
  : > "$4"
  # SIGXFSZ ends curl at that size.
  (
    ulimit -f 2048
    exec curl --silent --noproxy '*' --max-time "$3" --header "Host: $2" --dump-header "$4.head" --output "$4" "$1"
  ) > /dev/null 2>&1 || result=$?
  case $result in
    0 | 153) awk 'NR == 1 { print $2 }' "$4.head" ;;
    28) printf timeout ;; # curl(1): operation timeout
    *) printf none ;;
  esac
}
