#!/usr/bin/env bash
# shellcheck disable=SC2034 # deploy.sh has use for it
nginx_group=nginx

# Arguments: CA_FILE (extra CA certificates on the server, empty where there are none) ARCHIVE_URL EPEL_URL
install() {
  export PIP_CERT=/etc/pki/tls/certs/ca-bundle.crt PIP_INDEX_URL=https://pypi.org/simple
  if [[ -n $1 ]]; then
    cp "$1" /etc/pki/ca-trust/source/anchors/
    update-ca-trust
  fi
  cat > /etc/yum.repos.d/archive.repo << EOF
[archive-os]
name=os
baseurl=$2/os/\$basearch/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7
[archive-updates]
name=updates
baseurl=$2/updates/\$basearch/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7
[archive-extras]
name=extras
baseurl=$2/extras/\$basearch/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7
[archive-epel]
name=epel
baseurl=$3/\$basearch/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7
exclude=epel-release
EOF
  yum --disablerepo='*' --enablerepo='archive-*' --assumeyes install epel-release
  yum --disablerepo='*' --enablerepo='archive-*' --assumeyes install ca-certificates curl gcc nginx python python-devel python-pip
}

make_environment() {
  python2.7 -m pip install virtualenv==16.7.12
  python2.7 -m virtualenv --no-download "$1"
}
