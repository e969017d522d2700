#!/usr/bin/env bash
# shellcheck disable=SC2034 # used by deploy.sh
nginx_group=nginx

# Arguments: CA_FILE (extra CA certificates on the server, empty if there are none) ARCHIVE_URL EPEL_URL
install() {
  export PIP_CERT=/etc/pki/tls/certs/ca-bundle.crt PIP_INDEX_URL=https://pypi.org/simple
  if [[ -n $1 ]]; then
    cp "$1" /etc/pki/ca-trust/source/anchors/
    update-ca-trust
  fi
  local name
  {
    for name in os updates extras; do repository "$name" "$2/$name" CentOS; done
    repository epel "$3" EPEL
    echo exclude=epel-release
  } > /etc/yum.repos.d/archive.repo
  yum --disablerepo='*' --enablerepo='archive-*' --assumeyes install epel-release
  yum --disablerepo='*' --enablerepo='archive-*' --assumeyes install ca-certificates curl gcc nginx python python-devel python-pip
}

# Arguments: NAME URL SIGNER
repository() {
  printf '%s\n' "[archive-$1]" "name=$1" "baseurl=$2/\$basearch/" gpgcheck=1 "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-$3-7"
}

make_environment() {
  python2.7 -m pip install virtualenv==16.7.12
  python2.7 -m virtualenv --no-download "$1"
}
