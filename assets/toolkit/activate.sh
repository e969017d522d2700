#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by app.sh and release.sh
# Makes systemd and uWSGI run what release.sh has put in place, and asks the app whether it answers.

# The caller's `change` says how:
#   reload   uWSGI reloads, which lets every request finish
#   restart  systemd keeps the socket, so requests wait
#   socket   the socket becomes another one, or another user's
activate() {
  systemctl reset-failed "$service" 2> /dev/null || true
  if [[ $change == reload ]] && ! can_reload; then change=restart; fi
  if [[ $change != socket ]]; then
    old_workers=$(workers)
    systemctl "$change" "$service"
    return
  fi
  hold_requests
  systemctl stop "$socket_unit" "$service" || return 1
  remember_folders || return 1
  if ! is_owner; then
    write_text "$owner $(id -u "$uid")"$'\n' "$folder/moving" && move_data "$owner" "$uid" || return 1
  fi
  close_folders || return 1
  # Before now, data and code were closed to a new user.
  run_release_commands || return 1
  systemctl start "$socket_unit" "$service" || return 1
  release_requests
}

can_reload() {
  [[ $(systemctl show --property CanReload "$service") == CanReload=yes ]] && systemctl is-active --quiet "$service"
}

holder=''

# Takes the socket's place while systemd makes another one: requests wait here, and nginx repeats them there.
hold_requests() {
  [[ -S $socket ]] || return 0
  # Not what it does otherwise when it is stopped.
  write_text $'[Socket]\nRemoveOnStop=false\n' "$transient_folder/$socket_unit.d/hold.conf"
  systemctl daemon-reload
  # In version 0.2.0 the folder was the app's.
  chown root:root "$socket_folder"
  chmod 755 "$socket_folder"
  # shellcheck disable=SC2086 # a list of words
  (close_locks && exec "$python" $isolation -S -c "$holder_program" "$socket" "$(id -u "$nginx_user")") > "$work/holder" 2>&1 &
  holder=$!
  wait_for 10 grep --quiet ready "$work/holder" || true
  # Those that came before have still to be answered.
  wait_for "$timeout" has_no_requests || true
}

holder_program='
import os, signal, socket, sys
path, user = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
if os.path.exists(path + ".hold"):
    os.remove(path + ".hold")
listener.bind(path + ".hold")
os.chmod(path + ".hold", 0o600)
os.chown(path + ".hold", int(user), -1)
listener.listen(1024)
os.rename(path + ".hold", path)
os.write(1, b"ready\n")
signal.pause()
'

# The state 03 is a connection. https://man7.org/linux/man-pages/man5/proc_net.5.html
has_no_requests() { ! grep --quiet " 03 *[0-9]* $socket\$" /proc/net/unix; }

# Also at the end of the script.
release_requests() {
  [[ -n $holder ]] || return 0
  kill "$holder" 2> /dev/null || true
  wait "$holder" 2> /dev/null || true
  holder=''
  rm -rf "$transient_folder/$socket_unit.d"
  systemctl daemon-reload || true
}

old_workers=''

# Prints the process ids of uWSGI's workers, and of others that its master has started.
workers() {
  local main
  main=$(systemctl show --property MainPID "$service")
  [[ $main == MainPID=0 ]] || pgrep --parent "${main#MainPID=}" || true
}

# Whether what the link names runs: uWSGI starts new workers when the old ones have ended. Other processes of the app may go on.
has_new_workers() {
  local worker
  for worker in $(workers); do
    if [[ $'\n'$old_workers$'\n' != *$'\n'$worker$'\n'* ]]; then return 0; fi
  done
  return 1
}

# Whether the app runs, after a reload the new release, and answers nginx's user over the socket.
is_live() {
  if [[ ${change:-} == reload ]]; then has_new_workers || return 1; fi
  [[ -z $(problem_of "$socket") ]]
}

# Prints what is wrong with the answer over a socket. Argument: SOCKET
problem_of() {
  uwsgi_get "$1" > "$work/answer" 2> /dev/null || true
  head -n 1 "$work/answer" > "$work/status"
  tail -n +2 "$work/answer" > "$work/body"
  health_problem
}

# Sends a GET request as nginx does: in the uwsgi protocol, as nginx's user. Prints the status, `timeout`, or `none` if the
# connection broke; then the first megabyte of the body. Argument: SOCKET
# https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
uwsgi_get() {
  # shellcheck disable=SC2086 # a list of words
  (close_locks && exec runuser -u "$nginx_user" -- "$python" $isolation -S - "$1" "$path" "$host_header" "$port" "$timeout") << 'EOF'
import re, socket, struct, sys, time

def text(value):
    value = value.encode("utf-8") if not isinstance(value, bytes) else value
    return struct.pack("<H", len(value)) + value

name, path, host_header, port, seconds = sys.argv[1:6]
query = path.partition("?")[2]
variables = {
    "REQUEST_METHOD": "GET", "REQUEST_URI": path, "PATH_INFO": path.partition("?")[0], "QUERY_STRING": query,
    "HTTP_HOST": host_header, "SERVER_NAME": re.sub(":[0-9]+$", "", host_header), "SERVER_PORT": port, "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "", "CONTENT_LENGTH": "",
}
body = b"".join(text(key) + text(value) for key, value in variables.items())
deadline = time.time() + float(seconds)
connection = socket.socket(socket.AF_UNIX)
answer, status = b"", b"none"
try:
    connection.settimeout(float(seconds))
    connection.connect(name)
    connection.sendall(struct.pack("<BHB", 0, len(body), 0) + body)
    while len(answer) < 1000000:
        # For the whole answer, which an app may send drop by drop.
        connection.settimeout(max(deadline - time.time(), 0.001))
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    if answer:
        status = answer.split(b"\r\n")[0].split(b" ")[1][:3]
except socket.timeout:
    status = b"timeout"
except (socket.error, IndexError):
    pass
out = getattr(sys.stdout, "buffer", sys.stdout)
out.write(status + b"\n" + answer.partition(b"\r\n\r\n")[2])
EOF
}
