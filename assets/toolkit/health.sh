#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh
# Health checks, the same for every way in which an app is reached. What came back is in $work: `status`, as http_get prints
# it, and `body`.

# Prints what is wrong with the answer, completing "The app …"; prints nothing if it is as the settings say.
health_problem() {
  local status
  status=$(answered_status)
  case $status in
    timeout) printf 'did not answer within healthCheck.timeoutSeconds' ;;
    none) printf 'closed the connection without an answer' ;;
    *)
      if ! is_expected "$status"; then
        printf 'answered with status %s' "$status"
      elif [[ ! -s $work/body && $status == 200 ]]; then
        printf 'answered with status 200 and an empty body (on Python 3 a WSGI app must return bytes, not str)'
      elif lacks_text; then
        printf 'answered with status %s, but without the text "%s" of healthCheck.contains' "$status" "$contains"
      fi
      ;;
  esac
}

answered_status() {
  local status=''
  if [[ -e $work/status ]]; then IFS= read -r status < "$work/status" || true; fi
  printf '%s' "${status:-none}"
}

# Argument: STATUS
is_expected() {
  if [[ -n $expected ]]; then [[ " $expected " == *" $1 "* ]]; else [[ $1 == [23]?? ]]; fi
}

lacks_text() { [[ -n $contains ]] && ! grep --quiet --fixed-strings -e "$contains" "$work/body"; }

# Prints what was sent and what came back, if anything did: the beginning of its text, without HTML.
health_report() {
  local text
  # Before it is shortened, as half of a secret would not be found; and afterwards, as HTML may write one in another way.
  if [[ -e $work/body ]]; then hide_secrets < "$work/body" > "$work/shown"; fi
  text=$(answer_text | hide_secrets)
  printf 'Request: GET %s, Host: %s\nAnswer: %s' "$path" "$host_header" "$(answered_status)"
  if [[ -n $text ]]; then printf '\n%s' "$text"; fi
}

# The system's own Python. It reads no more than is needed, for patterns take long on a long text.
answer_text() {
  # shellcheck disable=SC2086 # a list of words
  [[ ! -e $work/body ]] || "$python" $isolation -S - "$work/shown" << 'EOF' || true
import io, re, sys

with io.open(sys.argv[1], "rb") as body:
    text = body.read(30000).decode("utf-8", "replace")
text = re.sub(r"(?is)<(script|style|title)\b.*?(</\1>|$)", "\n", text)
text = re.sub(r"(?s)<!--.*?-->|<[^<>]*>", "\n", text)
for name, character in ("lt", "<"), ("gt", ">"), ("quot", '"'), ("#x27", "'"), ("#39", "'"), ("nbsp", " "), ("amp", "&"):
    text = text.replace("&" + name + ";", character)
# Nothing that a terminal obeys.
text = re.sub(u"[\x00-\x08\x0b-\x1f\x7f-\x9f]", " ", text)
lines = [" ".join(line.split())[:200] for line in text.split("\n")]
lines = [line for line in lines if line][:10]
getattr(sys.stdout, "buffer", sys.stdout).write("".join(u"  " + line + u"\n" for line in lines).encode("utf-8"))
EOF
}

# Prints the fix for the problem that health_problem has found. Argument: `nginx` if it was asked through nginx
health_advice() {
  local status key=apps.$app.healthCheck
  status=$(answered_status)
  case $status in
    timeout) printf 'let the app answer faster, or set %s.timeoutSeconds to more than %s' "$key" "$timeout" ;;
    none) printf "solve the problem that the app's log above shows, or correct its settings (apps.%s)" "$app" ;;
    *)
      if is_expected "$status"; then
        if lacks_text; then
          printf 'set %s.contains to a text that is on this page, or %s.path to the page that has it' "$key" "$key"
        else
          printf 'correct the app'
        fi
      else
        status_advice "$status" "$key" "${1:-}"
      fi
      ;;
  esac
  printf ', then deploy again.'
}

# Arguments: STATUS KEY nginx
status_advice() {
  case $1 in
    400) printf "add %s to the app's allowed hosts (ALLOWED_HOSTS in Django), or set %s.host to a name that it allows" "${host_header%:*}" "$2" ;;
    401 | 403) printf 'set %s.path to a page that needs no login, or %s.status to %s' "$2" "$2" "$1" ;;
    404) printf 'set %s.path to a page that the app has' "$2" ;;
    5??)
      printf "solve the problem that the app's log above shows"
      if [[ $3 == nginx ]]; then printf ', or /var/log/nginx/error.log on the server'; fi
      ;;
    *) printf 'set %s.path to a page that answers as expected, or %s.status to %s' "$2" "$2" "$1" ;;
  esac
}

# Prints the fix for an app that does not start, as far as its log says. Argument: LOG
start_advice() {
  local name place
  name=$(sed -n -E "s/^(ModuleNotFound|Import)Error: No module named '?([A-Za-z0-9_.]+)'?\$/\2/p" <<< "$1" | tail -n 1)
  if [[ -n $name ]]; then
    place=$(folder_with "${name%%.*}")
    if [[ -n $place ]]; then
      printf 'set apps.%s.environment.PYTHONPATH to %s, the folder with the module %s' "$app" "$place" "${name%%.*}"
    elif [[ ${name%%.*} == "${module%%[.:]*}" ]]; then
      printf "set apps.%s.module (%s) to a module of the app's code, or apps.%s.source to the folder that it is in" "$app" "$module" "$app"
    elif [[ -e $releases/$release/app/${name%%.*} || -e $releases/$release/app/${name%%.*}.py ]]; then
      printf 'correct what the app imports'
    else
      printf "add the package with the module %s to the app's requirements (requirements.txt)" "${name%%.*}"
    fi
  elif [[ $1 == *"callable not found or import error"* && $1 != *Error:* ]]; then
    printf "set apps.%s.module (%s) to the name of the WSGI callable in that module, for Django PROJECT.wsgi:application" "$app" "$module"
  else
    printf 'correct the app or its settings (apps.%s)' "$app"
  fi
  printf ', then deploy again.'
}

# Prints the folder of the release's code, below its top, that has a module. Argument: MODULE
folder_with() {
  (cd "$releases/$release/app" 2> /dev/null &&
    find . -mindepth 2 -maxdepth 4 \( -path "*/$1.py" -o -path "*/$1/__init__.py" \) | sort | head -n 1 |
    sed -E 's#^\./##; s#/?[^/]+(\.py|/__init__\.py)$##') || true
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
