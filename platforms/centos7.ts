import type { Platform, Python } from "./platform";

// Python 3.6 from the updates repository. Its venv installs pip 9, which does not support current wheels. These are the last
// versions for Python 3.6.
const python36: Python = {
  executable: "/usr/bin/python3",
  isolation: "-I",
  packages: ["python3"],
  headers: ["python3-devel"],
  pyuwsgi: "2.0.20",
  plugin: { package: "uwsgi-plugin-python36", name: "python36" },
  tools: ["pip==21.3.1", "setuptools==59.6.0", "wheel==0.37.1"],
  compileTools: [],
};

/** CentOS Linux 7. Its mirrors closed at its end of life (2024-06-30), so all packages come from the archives. */
export const centos7: Platform = {
  name: "centos7",
  title: "CentOS 7",
  os: { id: "centos", versionId: "7", architectures: ["x86_64", "aarch64"] },
  systemd: 219,
  packages: {
    script: "packages-yum.sh",
    configuration: { template: "yum.conf", file: "/etc/uwsgi-nginx/yum.conf" },
    mirrors: {
      centos: {
        title: "CentOS 7.9.2009, with os/, updates/ and extras/ below",
        release: "7.9.2009",
        defaults: [
          "https://vault.centos.org/7.9.2009",
          "https://linuxsoft.cern.ch/centos-vault/7.9.2009",
          "https://archive.kernel.org/centos-vault/7.9.2009",
          // For servers whose certificates are too old. Packages are signed.
          "http://vault.centos.org/7.9.2009",
          // Other architectures than x86_64.
          "https://vault.centos.org/altarch/7.9.2009",
          "http://vault.centos.org/altarch/7.9.2009",
        ],
        variable: "CENTOS7_ARCHIVE_URL",
      },
      epel: {
        title: "EPEL 7, with x86_64/ below",
        release: "7",
        defaults: ["https://archives.fedoraproject.org/pub/archive/epel/7"],
        variable: "CENTOS7_EPEL_URL",
      },
    },
    keyFile: "/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7",
    base: ["ca-certificates", "curl", "diffutils", "procps-ng", "tar", "util-linux"],
    compiler: ["gcc"],
    forPip: {
      postgresql: ["postgresql-devel"],
      mysql: ["mariadb-devel"],
      ldap: ["openldap-devel", "cyrus-sasl-devel"],
      ffi: ["libffi-devel"],
      openssl: ["openssl-devel"],
      xml: ["libxml2-devel", "libxslt-devel"],
      jpeg: ["libjpeg-turbo-devel", "zlib-devel"],
      zlib: ["zlib-devel"],
      cxx: ["gcc-c++"],
      rust: ["cargo"],
      make: ["make"],
      cmake: ["cmake"],
      pkgconfig: ["pkgconfig"],
      git: ["git"],
    },
    // The unpacked package lists of the archives take about 300 MB.
    diskSpace: { "/opt": 100, "/usr": 250, "/var": 400 },
    selinux: ["checkpolicy", "policycoreutils", "policycoreutils-python"],
  },
  pythons: {
    // virtualenv 16.7.12 needs no other packages. It brings pip 20.3.4 and setuptools 44.1.1, the last for Python 2.7, and wheel.
    "2.7": {
      executable: "/usr/bin/python2.7",
      // It has no -I.
      isolation: "-E -s",
      packages: ["python", "python-pip"],
      headers: ["python-devel"],
      pyuwsgi: "2.0.19.1",
      plugin: { package: "uwsgi-plugin-python2", name: "python" },
      virtualenv: "16.7.12",
      tools: [],
      compileTools: [],
    },
    "3": python36,
    "3.6": python36,
  },
  // nginx.conf includes the site folder before its own welcome site, so the sites in the folder take precedence.
  nginx: { package: "nginx", user: "nginx", group: "nginx", siteFolder: "/etc/nginx/conf.d" },
  // EPEL's. Its own uwsgi.service is not enabled, and is hidden by the one in /etc/systemd/system.
  uwsgi: { packages: ["uwsgi"], executable: "/usr/sbin/uwsgi" },
  trustStore: {
    file: "/etc/pki/ca-trust/source/anchors/uwsgi-nginx.crt",
    update: "update-ca-trust",
    bundle: "/etc/pki/tls/certs/ca-bundle.crt",
  },
  container: {
    image: "centos:7",
    rootFilesystemVariable: "CENTOS7_ROOT_FILESYSTEM",
    packages: ["openssh-server", "sudo"],
    runOptions: ["--cap-add=SYS_ADMIN", "--cap-add=MKNOD", "--cap-add=SYS_BOOT", "--stop-signal=SIGRTMIN+3"],
    // With SYS_ADMIN systemd 219 mounts every cgroup hierarchy that is enabled in /proc/cgroups, also on your computer. It
    // recognises a container by the variable `container` only, which Docker does not set.
    command: [
      "/bin/sh",
      "-c",
      [
        'export container="${container:-docker}"',
        "sed 's/[0-9]$/0/' /proc/cgroups > /run/cgroups && mount --bind /run/cgroups /proc/cgroups && exec /usr/lib/systemd/systemd",
        `echo "Error: The systemd of the image was not started, because /proc/cgroups cannot be hidden and systemd would change the cgroups of your computer." >&2`,
        `echo "Fix: use a container engine that allows the container to mount (CAP_SYS_ADMIN)." >&2; exit 1`,
      ].join("; "),
    ],
    needsCgroupV1: true,
  },
  aws: {
    owner: "125523088429",
    user: "centos",
    names: { x86_64: "CentOS Linux 7 x86_64 - 2211" },
    ssmAgent: { build: "linux", ending: "rpm", install: "rpm --install" },
  },
};
