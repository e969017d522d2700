import assert from "node:assert/strict";
import { platforms, type Platform } from "../../platforms";
import { withHashes } from "../../platforms/pythonPackages";
import { planDownloads, pythonParameters } from "../../rendering/downloads";
import { pythonOf } from "../../rendering/uwsgi";
import { containerSource } from "../../servers/container/source";
import { settingsSchema } from "../../settings/schema";

const server = (settings: Record<string, unknown> = {}) => ({
  ...settingsSchema.parse({ server: settings }).server,
  onYourComputer: true,
});
const yumConf = (settings: Record<string, unknown> = {}, env: Record<string, string> = {}) =>
  planDownloads(server({ platform: "centos7", ...settings }), env).files.package_config;
/** Base URLs of a repository, in order. */
const baseUrls = (text: string, repository: string) =>
  (new RegExp(`\\[uwsgi-nginx-${repository}\\]\\nname=.*\\nbaseurl=((?:.*\\n)+?)failovermethod`).exec(text)?.[1] ?? "")
    .trim()
    .split(/\s+/);

describe("yum configuration", () => {
  it("one file names all repositories with their keys, and does not use the server's own", () => {
    assert.equal(
      yumConf({ mirrors: { centos: ["http://a.org/7.9.2009/", "http://b.org/7.9.2009"], epel: ["http://e.org/7"] } }),
      `# The repositories that this project installs packages from. Usage: yum --config=/etc/uwsgi-nginx/yum.conf
# The files in /etc/yum.repos.d are neither read nor changed.
[main]
reposdir=/dev/null
cachedir=/var/cache/yum/uwsgi-nginx
keepcache=0
logfile=/var/log/yum.log
# The server's plugins stay enabled: versionlock may hold packages, and a container may need ovl for its overlay.
plugins=1
gpgcheck=1
obsoletes=1
distroverpkg=centos-release
exit_on_lock=1
skip_missing_names_on_install=0
retries=3
timeout=30
# The archive's IPv6 is slow.
ip_resolve=4

[uwsgi-nginx-os]
name=CentOS 7 os
baseurl=http://a.org/7.9.2009/os/$basearch/
        http://b.org/7.9.2009/os/$basearch/
failovermethod=priority
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7

[uwsgi-nginx-updates]
name=CentOS 7 updates
baseurl=http://a.org/7.9.2009/updates/$basearch/
        http://b.org/7.9.2009/updates/$basearch/
failovermethod=priority
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7

[uwsgi-nginx-extras]
name=CentOS 7 extras
baseurl=http://a.org/7.9.2009/extras/$basearch/
        http://b.org/7.9.2009/extras/$basearch/
failovermethod=priority
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7

[uwsgi-nginx-epel]
name=EPEL 7
baseurl=http://e.org/7/$basearch/
failovermethod=priority
gpgcheck=1
gpgkey=file:///etc/uwsgi-nginx/RPM-GPG-KEY-EPEL-7
`,
    );
  });

  it("CentOS's own archive comes first, the one for other architectures last, and https before http", () => {
    const defaults = (name: string) => platforms.centos7.packages.mirrors[name]?.defaults ?? [];
    assert.match(defaults("centos")[0] ?? "", /^https:\/\/vault\.centos\.org\/7\./);
    assert.match(defaults("centos").at(-1) ?? "", /\/altarch\//);
    for (const name of ["centos", "epel"]) {
      for (const [i, url] of defaults(name).entries()) {
        const secure = url.replace(/^http:/, "https:");
        assert.ok(
          defaults(name).indexOf(secure) <= i && defaults(name).includes(secure),
          `${secure} should come first`,
        );
      }
    }
    assert.deepEqual(
      baseUrls(yumConf(), "updates"),
      defaults("centos").map((url) => `${url}/updates/$basearch/`),
    );
    assert.deepEqual(
      baseUrls(yumConf(), "epel"),
      defaults("epel").map((url) => `${url}/$basearch/`),
    );
  });

  it("a mirror may be the URL of the archive or of the release in it", () => {
    assert.deepEqual(baseUrls(yumConf({ mirrors: { centos: ["https://mirror.example.org/centos"] } }), "os"), [
      "https://mirror.example.org/centos/os/$basearch/",
      "https://mirror.example.org/centos/7.9.2009/os/$basearch/",
    ]);
  });

  it("environment variables override the mirrors in the settings", () => {
    const env = { CENTOS7_ARCHIVE_URL: "http://c.org/7.9.2009", CENTOS7_EPEL_URL: "http://d.org/7, http://e.org/7" };
    const text = yumConf({ mirrors: { centos: ["http://a.org/7.9.2009"] } }, env);
    assert.deepEqual(baseUrls(text, "extras"), ["http://c.org/7.9.2009/extras/$basearch/"]);
    assert.deepEqual(baseUrls(text, "epel"), ["http://d.org/7/$basearch/", "http://e.org/7/$basearch/"]);
  });

  it("yum, apt and pip use the proxy", () => {
    assert.match(yumConf({ proxy: "http://proxy.example.org:3128" }), /^proxy=http:\/\/proxy\.example\.org:3128$/m);
    const plan = planDownloads(server({ proxy: "http://p:1", pipIndex: "https://pypi.example.org/simple" }), {});
    assert.deepEqual(plan.pip, {
      ca_bundle: "/etc/ssl/certs/ca-certificates.crt",
      pip_index: "https://pypi.example.org/simple",
      proxy: "http://p:1",
    });
    assert.equal(plan.packages.package_config_file, "/etc/uwsgi-nginx/apt.conf");
    assert.equal(
      plan.files.package_config,
      'Acquire::http::Proxy "http://p:1";\nAcquire::https::Proxy "http://p:1";\n',
    );
  });

  it("without a proxy, apt uses the server's own configuration", () => {
    const plan = planDownloads(server(), {});
    assert.equal(plan.files.package_config, "");
  });
});

describe("Pythons of a platform", () => {
  it("tools are pinned where the default versions do not work", () => {
    const all = Object.values(platforms).flatMap((platform: Platform) =>
      Object.entries(platform.pythons).map(([name, python]) => {
        const { seed, ...parameters } = pythonParameters(name, python);
        assert.match(seed, new RegExp(`^/opt/uwsgi/seed-python${name}-[0-9a-f]{8}$`));
        return [`${platform.name} ${name}`, parameters];
      }),
    );
    const python36 = {
      python: "/usr/bin/python3",
      isolation: "-I",
      virtualenv: "",
      tools: ["pip==21.3.1", "setuptools==59.6.0", "wheel==0.37.1"].map(withHashes).join(" "),
    };
    assert.deepEqual(Object.fromEntries(all), {
      "debian12 3": { python: "/usr/bin/python3", isolation: "-I", virtualenv: "", tools: "" },
      "centos7 2.7": {
        python: "/usr/bin/python2.7",
        isolation: "-E -s",
        virtualenv: withHashes("virtualenv==16.7.12"),
        tools: "",
      },
      "centos7 3": python36,
      "centos7 3.6": python36,
    });
  });

  it("other tools make another folder of packages that environments begin with", () => {
    const python = { ...pythonOf(platforms.debian12, "3"), tools: ["pip==21.3.1"] };
    assert.notEqual(
      pythonParameters("3", python).seed,
      pythonParameters("3", { ...python, tools: ["pip==21.3.0"] }).seed,
    );
  });
});

describe("source of a container", () => {
  it("an environment variable with a root file system overrides the image in the settings", () => {
    const settings = { platform: "centos7" as const, image: "centos:7", rootFilesystem: undefined };
    assert.deepEqual(containerSource(settings, {}), { image: "centos:7", rootFilesystem: undefined });
    assert.deepEqual(containerSource(settings, { CENTOS7_ROOT_FILESYSTEM: "/r.tar" }), {
      image: undefined,
      rootFilesystem: "/r.tar",
    });
    const other = { ...settings, platform: "debian12" as const };
    assert.equal(containerSource(other, { CENTOS7_ROOT_FILESYSTEM: "/r.tar" }).image, "centos:7");
  });
});
