#!/usr/bin/env bash
# Makes a fake CentOS 7 of a Debian 11: its name, its package manager (dnf answers as yum, rpm is real), its paths;
# and, on the server itself, mirrors laid out as the archives are, with packages that are made and signed here. What a
# package is about (compiler, nginx, Python 2.7) is Debian's and lies there already; the package brings what CentOS's has
# of its own: units, configuration, users, keys, repository files.
# Runs in the root file system, as root.
set -euo pipefail
export LC_ALL=C GNUPGHOME=/root/el7/gnupg

main() {
  make_keys
  mkdir -p /root/el7/payload
  centos_release
  others
  mirrors
  already_installed
  awkward_server
  rm -rf /root/el7
}

# A key each for CentOS, EPEL and a stranger; they live no longer than this script.
make_keys() {
  install -d -m 700 "$GNUPGHOME"
  local name
  for name in centos epel stranger; do
    gpg --batch --quiet --passphrase '' --quick-generate-key "$name (made for a test) <$name@example.org>" rsa2048 sign
    gpg --batch --armor --export "$name@example.org" > "/root/el7/$name.asc"
  done
}

# Builds and signs a package without dependencies of what lies in payload. Its summary is its name.
# Arguments: FOLDER SIGNER NAME VERSION [PROVIDES [SCRIPT]]; SCRIPT runs before it is installed
package() {
  local folder=$1 signer=$2 name=$3 version=$4 provides=${5:-} script=${6:-} files
  files=$(cd /root/el7/payload && find . ! -type d | sed 's/^\.//')
  cat > "/root/el7/$name.spec" << SPEC
Name: $name
Version: $version
Release: 1.el7
Summary: $name
License: none
BuildArch: noarch
AutoReqProv: no
${provides:+Provides: $provides}
%description
$name
%install
cp -a /root/el7/payload/. %{buildroot}/
%files
$files
${script:+%pre
$script}
SPEC
  rpmbuild -bb --quiet --define "_topdir /root/el7/rpm" --define "_rpmdir $folder" --define '__os_install_post %{nil}' \
    --define '_build_name_fmt %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' "/root/el7/$name.spec" > /dev/null 2>> /root/el7/log || { cat /root/el7/log >&2; return 1; }
  sign "$signer" "$folder/$name-$version-1.el7.noarch.rpm"
  rm -rf /root/el7/payload
  mkdir -p /root/el7/payload
}

# Arguments: SIGNER PACKAGE…
sign() {
  local signer=$1
  shift
  rpmsign --addsign --define "_gpg_name $signer@example.org" --define "_gpg_path $GNUPGHOME" --define '__gpg /usr/bin/gpg' \
    "$@" > /dev/null 2>> /root/el7/log || { cat /root/el7/log >&2; return 1; }
}

# A file of the next package, from stdin.
payload() {
  mkdir -p "$(dirname "/root/el7/payload$1")"
  cat > "/root/el7/payload$1"
  chmod "${2:-644}" "/root/el7/payload$1"
}

machine=$(uname -m)
archive=/srv/mirror/centos/7.9.2009
os=$archive/os/$machine
updates=$archive/updates/$machine
extras=$archive/extras/$machine
epel=/srv/mirror/epel/7/$machine
base=/root/el7/base

centos_release() {
  mkdir -p "$os" "$updates" "$extras" "$epel" "$base"
  payload /etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7 < /root/el7/centos.asc
  payload /etc/centos-release <<< 'CentOS Linux release 7.9.2009 (Core)'
  payload /etc/os-release << 'FILE'
NAME="CentOS Linux"
VERSION="7 (Core)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="7"
PRETTY_NAME="CentOS Linux 7 (Core)"
FILE
  # Dead, as they are.
  payload /etc/yum.repos.d/CentOS-Base.repo << 'FILE'
[base]
name=CentOS-$releasever - Base
mirrorlist=http://mirrorlist.centos.invalid/?release=7&arch=$basearch&repo=os
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7
FILE
  package "$base" centos centos-release 7 'system-release = 7'
}

others() {
  local name
  package "$base" centos bash 4.2 /bin/sh
  for name in curl diffutils procps-ng python rpm tar util-linux yum; do package "$base" centos "$name" 1; done
  payload /usr/bin/update-ca-trust 755 << 'FILE'
#!/bin/sh
mkdir -p /usr/local/share/ca-certificates
rm -f /usr/local/share/ca-certificates/*
cp /etc/pki/ca-trust/source/anchors/* /usr/local/share/ca-certificates/ 2> /dev/null
exec update-ca-certificates
FILE
  mkdir -p /root/el7/payload/etc/pki/tls/certs
  ln -s /etc/ssl/certs/ca-certificates.crt /root/el7/payload/etc/pki/tls/certs/ca-bundle.crt
  package "$base" centos ca-certificates 1

  package "$os" centos gcc 4.8.5
  package "$os" centos sudo 1.8
  package "$os" centos tcsh 6.18
  package "$os" centos python-devel 2.7.5
  package "$updates" centos python3 3.6.8
  package "$updates" centos python3-devel 3.6.8
  # A restart of sshd ends no session.
  payload /usr/lib/systemd/system/sshd.service << 'FILE'
[Unit]
Description=OpenSSH server daemon
[Service]
ExecStartPre=/bin/mkdir -p /run/sshd
ExecStart=/usr/sbin/sshd -D
KillMode=process
[Install]
WantedBy=multi-user.target
FILE
  payload /etc/ssh/sshd_config 600 << 'FILE'
HostKey /etc/ssh/ssh_host_rsa_key
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM yes
PasswordAuthentication yes
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
FILE
  package "$os" centos openssh-server 7.4

  # The one in extras is older than the one in EPEL itself, and its repository file is dead.
  payload /etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7 < /root/el7/epel.asc
  payload /etc/yum.repos.d/epel.repo << 'FILE'
[epel]
name=Extra Packages for Enterprise Linux 7
metalink=https://mirrors.fedoraproject.invalid/metalink?repo=epel-7
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7
FILE
  package "$extras" centos epel-release 7
  package "$epel" epel epel-release 8

  local pip=/root/el7/payload/usr/lib/python2.7/dist-packages
  mkdir -p "$pip"
  python3 -m zipfile -e /root/el7/pip/pip-8.1.2-*.whl "$pip"
  package "$epel" epel python2-pip 8.1.2 'python-pip = 8.1.2'

  payload /usr/lib/systemd/system/nginx.service << 'FILE'
[Unit]
Description=The nginx HTTP and reverse proxy server
After=network.target
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/bin/rm -f /run/nginx.pid
ExecStartPre=/usr/sbin/nginx -t
ExecStart=/usr/sbin/nginx
ExecReload=/usr/sbin/nginx -s reload
KillSignal=SIGQUIT
TimeoutStopSec=5
KillMode=process
PrivateTmp=true
[Install]
WantedBy=multi-user.target
FILE
  payload /etc/nginx/nginx.conf << 'FILE'
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    access_log /var/log/nginx/access.log;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    include /etc/nginx/conf.d/*.conf;
    server {
        listen 80;
        server_name _;
        root /usr/share/nginx/html;
    }
}
FILE
  local file
  for file in mime.types uwsgi_params; do install -D -m 644 "/etc/nginx/$file" "/root/el7/payload/etc/nginx/$file"; done
  mkdir -p /root/el7/payload/etc/nginx/conf.d
  payload /etc/nginx/conf.d/.keep < /dev/null
  package "$epel" epel nginx 1.20.1 '' 'getent passwd nginx > /dev/null || useradd --system --user-group --no-create-home --shell /sbin/nologin nginx'
}

mirrors() {
  local file
  # A stranger's packages in place of CentOS's.
  cp -a /srv/mirror/centos /srv/mirror/forged
  sign stranger /srv/mirror/forged/7.9.2009/*/"$machine"/*.rpm
  cp -a /srv/mirror/centos /srv/mirror/no-headers
  rm "/srv/mirror/no-headers/7.9.2009/os/$machine"/python-devel-*
  for file in "$epel" /srv/mirror/{centos,forged,no-headers}/7.9.2009/*/"$machine"; do createrepo_c --quiet "$file"; done
  cat > /usr/lib/systemd/system/test-mirror.service << 'FILE'
[Service]
ExecStart=/usr/bin/python3 -m http.server --directory /srv/mirror --bind 127.0.0.1 8000
StandardOutput=null
StandardError=null
[Install]
WantedBy=sysinit.target
FILE
  systemctl enable --quiet test-mirror.service
}

# What Debian's packages have put there and CentOS's bring; then what an image of CentOS holds from the start.
already_installed() {
  rm -rf /etc/nginx /etc/os-release /etc/ssh/sshd_config /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d
  rm -f /usr/lib/systemd/system/{nginx,ssh,ssh@}.service /usr/lib/systemd/system/ssh.socket /etc/init.d/{nginx,ssh} \
    /etc/systemd/system/sshd.service /etc/systemd/system/multi-user.target.wants/{nginx,ssh}.service
  rpm --install --replacefiles --nodigest --nosignature "$base"/*.rpm
  # As where epel-release is installed: the product itself brings the genuine key only.
  cp /root/el7/epel.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7
  # Packages start nothing, and dnf answers as yum does: the exit code of names that it does not know differs.
  rm -f /usr/sbin/policy-rc.d
  cat > /usr/bin/yum << 'FILE'
#!/bin/sh
exec dnf "$@"
FILE
  chmod 755 /usr/bin/yum
  local unit
  for unit in getty.target console-getty.service systemd-udevd.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
  done
  : > /etc/machine-id
}

# What real servers have: a strict umask, another shell and a foreign locale for root, and a /tmp where nothing runs.
awkward_server() {
  sed -i 's|^root:\(.*\):/bin/bash$|root:\1:/bin/dash|' /etc/passwd
  printf 'session optional pam_umask.so umask=077\n' >> /etc/pam.d/sshd
  printf 'LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n' >> /etc/environment
  cat > /etc/systemd/system/tmp.mount << 'FILE'
[Mount]
What=tmpfs
Where=/tmp
Type=tmpfs
Options=mode=1777,noexec,nosuid
[Install]
WantedBy=local-fs.target
FILE
  systemctl enable --quiet tmp.mount
}

main "$@"
