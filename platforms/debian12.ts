import type { Platform } from "./platform";

export const debian12: Platform = {
  name: "debian12",
  title: "Debian 12",
  os: { id: "debian", versionId: "12", architectures: ["x86_64", "aarch64"] },
  packageScript: "packages-apt.sh",
  basePackages: ["ca-certificates", "curl", "gcc", "libc6-dev", "procps"],
  pythons: {
    "3": { executable: "/usr/bin/python3", packages: ["python3", "python3-dev", "python3-venv"] },
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
  trustStore: {
    file: "/usr/local/share/ca-certificates/uwsgi-nginx.crt",
    update: "update-ca-certificates",
    bundle: "/etc/ssl/certs/ca-certificates.crt",
  },
};
