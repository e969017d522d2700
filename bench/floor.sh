#!/usr/bin/env bash
# The floor: what a deployment takes as one script in one SSH session, without checks, rollback or memory.
# Arguments: CA_FILE (extra CA certificates on the server, empty where there are none)
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1

main() {
  if [[ -n $1 ]]; then
    cp "$1" /usr/local/share/ca-certificates/
    update-ca-certificates
  fi
  apt-get update -q
  apt-get install -yq --no-install-recommends ca-certificates curl gcc libc6-dev nginx python3 python3-dev python3-venv

  useradd --system --no-create-home hello
  mkdir -p /opt/apps/hello
  python3 -m venv /opt/apps/hello/env
  /opt/apps/hello/env/bin/pip install setuptools wheel
  /opt/apps/hello/env/bin/pip install --no-build-isolation --no-binary uwsgi uwsgi==2.0.31
  cat > /opt/apps/hello/wsgi.py << 'EOF'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<h1 style='color:blue'>Hello There!</h1>"]
EOF
  cat > /opt/apps/hello/uwsgi.ini << 'EOF'
[uwsgi]
chdir = /opt/apps/hello
module = wsgi:application
master = true
processes = 5
socket = /run/uwsgi/hello.sock
chown-socket = hello:www-data
chmod-socket = 660
vacuum = true
die-on-term = true
EOF
  cat > /etc/systemd/system/uwsgi.service << 'EOF'
[Unit]
Description=uWSGI
[Service]
Type=notify
ExecStart=/opt/apps/hello/env/bin/uwsgi --ini /opt/apps/hello/uwsgi.ini
User=hello
Group=www-data
RuntimeDirectory=uwsgi
[Install]
WantedBy=multi-user.target
EOF
  rm -f /etc/nginx/sites-enabled/default
  cat > /etc/nginx/conf.d/hello.conf << 'EOF'
server {
    listen 80 default_server;
    location / {
        include uwsgi_params;
        uwsgi_pass unix:/run/uwsgi/hello.sock;
    }
}
EOF
  systemctl daemon-reload
  systemctl enable --now uwsgi
  nginx -t
  systemctl enable nginx
  systemctl restart nginx
  curl --silent --show-error --fail http://127.0.0.1/ | grep -q 'Hello There'
}

main "$@" < /dev/null
