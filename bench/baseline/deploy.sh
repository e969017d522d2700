#!/usr/bin/env bash
# shellcheck disable=SC2154 # declared by the platform's script
# The baseline: the same deployment as one script in one SSH session, without checks, rollback or state.
# Runs after the platform's script, which defines nginx_group, install and make_environment FOLDER.
# Arguments: those of install
set -euo pipefail
export PIP_DISABLE_PIP_VERSION_CHECK=1
umask 022

main() {
  install "$@"
  useradd --system --no-create-home hello
  mkdir -p /opt/apps/hello
  make_environment /opt/apps/hello/env
  /opt/apps/hello/env/bin/pip install setuptools wheel
  /opt/apps/hello/env/bin/pip install --no-build-isolation --no-binary uwsgi uwsgi==2.0.31
  cat > /opt/apps/hello/wsgi.py << 'EOF'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<h1 style='color:blue'>Hello There!</h1>"]
EOF
  cat > /opt/apps/hello/uwsgi.ini << EOF
[uwsgi]
chdir = /opt/apps/hello
module = wsgi:application
master = true
processes = 5
socket = /run/uwsgi/hello.sock
chown-socket = hello:$nginx_group
chmod-socket = 660
vacuum = true
die-on-term = true
EOF
  cat > /etc/systemd/system/uwsgi.service << EOF
[Unit]
Description=uWSGI
[Service]
Type=notify
ExecStart=/opt/apps/hello/env/bin/uwsgi --ini /opt/apps/hello/uwsgi.ini
User=hello
Group=$nginx_group
RuntimeDirectory=uwsgi
[Install]
WantedBy=multi-user.target
EOF
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
