import type { Platform } from "./platform";

export const debian12: Platform = {
  name: "debian12",
  title: "Debian 12",
  os: { id: "debian", versionId: "12", architectures: ["x86_64", "aarch64"] },
  systemd: 252,
  packages: {
    script: "packages-apt.sh",
    configuration: { template: "apt.conf", file: "/etc/uwsgi-nginx/apt.conf" },
    mirrors: {},
    // Without tzdata Python knows no time zone, not even UTC.
    base: ["ca-certificates", "curl", "procps", "tzdata"],
    compiler: ["gcc", "libc6-dev"],
    forPip: {
      postgresql: ["libpq-dev"],
      mysql: ["default-libmysqlclient-dev", "pkg-config"],
      ldap: ["libldap2-dev", "libsasl2-dev"],
      ffi: ["libffi-dev"],
      openssl: ["libssl-dev"],
      xml: ["libxml2-dev", "libxslt1-dev"],
      jpeg: ["libjpeg-dev", "zlib1g-dev"],
      zlib: ["zlib1g-dev"],
      cxx: ["g++"],
      rust: ["cargo"],
      make: ["make"],
      cmake: ["cmake"],
      pkgconfig: ["pkg-config"],
      git: ["git"],
    },
    diskSpace: { "/opt": 100, "/usr": 300, "/var": 250 },
    selinux: ["checkpolicy", "policycoreutils", "policycoreutils-python-utils", "semodule-utils"],
  },
  pythons: {
    "3": {
      executable: "/usr/bin/python3",
      isolation: "-I",
      packages: ["python3", "python3-venv"],
      headers: ["python3-dev"],
      pyuwsgi: "2.0.30.post1",
      plugin: { package: "uwsgi-plugin-python3", name: "python3" },
      tools: [],
      compileTools: ["wheel==0.37.1"],
    },
  },
  nginx: {
    package: "nginx",
    user: "www-data",
    group: "www-data",
    siteFolder: "/etc/nginx/conf.d",
    defaultSite: {
      link: "/etc/nginx/sites-enabled/default",
      file: "/etc/nginx/sites-available/default",
      package: "nginx-common",
    },
  },
  // The package `uwsgi` would only add an init script.
  uwsgi: { packages: ["uwsgi-core"], executable: "/usr/bin/uwsgi" },
  trustStore: {
    file: "/usr/local/share/ca-certificates/uwsgi-nginx.crt",
    update: "update-ca-certificates",
    bundle: "/etc/ssl/certs/ca-certificates.crt",
  },
  container: { packages: ["openssh-server", "sudo"], runOptions: [], command: ["/sbin/init"], needsCgroupV1: false },
  aws: {
    owner: "136693071363",
    user: "admin",
    names: { x86_64: "debian-12-amd64-2*", arm64: "debian-12-arm64-2*" },
    ssmAgent: { build: "debian", ending: "deb", install: "dpkg --install" },
  },
};
