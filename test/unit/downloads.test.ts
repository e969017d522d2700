import assert from "node:assert/strict";
import { platforms, type Platform } from "../../platforms";
import { planDownloads, pythonParameters } from "../../rendering/downloads";
import { containerSource } from "../../servers/container/source";
import { settingsSchema } from "../../settings/schema";

const server = (settings: Record<string, unknown> = {}) => settingsSchema.parse({ server: settings }).server;
const yumConf = (settings: Record<string, unknown> = {}, env: Record<string, string> = {}) =>
  planDownloads(server({ platform: "centos7", ...settings }), env).files.package_config;
/** Base URLs of a repository, in their order. */
const baseUrls = (text: string, repository: string) =>
  (new RegExp(`\\[uwsgi-nginx-${repository}\\]\\nname=.*\\nbaseurl=((?:.*\\n)+?)failovermethod`).exec(text)?.[1] ?? "")
    .trim()
    .split(/\s+/);

describe("the configuration of yum", () => {
  it("names the archives whole, with keys, in one file that leaves the server's own out", () => {
    assert.equal(
      yumConf({ mirrors: { centos: ["http://a.org/7.9.2009/", "http://b.org/7.9.2009"], epel: ["http://e.org/7"] } }),
      `# Where this project's installations come from: yum --config=/etc/uwsgi-nginx/yum.conf
# The server's own files in /etc/yum.repos.d are neither read nor changed.
[main]
reposdir=/dev/null
cachedir=/var/cache/yum/uwsgi-nginx
keepcache=0
logfile=/var/log/yum.log
# The server's plugins are its owner's: what versionlock holds stays, and a container may need the one for its overlay.
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
# The key comes out of this package, so the package itself must be the one that CentOS has signed.
exclude=epel-release
`,
    );
  });

  it("asks the archives in their order: CentOS's own first, and that of other architectures last", () => {
    assert.deepEqual(baseUrls(yumConf(), "updates"), [
      "http://vault.centos.org/7.9.2009/updates/$basearch/",
      "https://linuxsoft.cern.ch/centos-vault/7.9.2009/updates/$basearch/",
      "https://archive.kernel.org/centos-vault/7.9.2009/updates/$basearch/",
      "http://vault.centos.org/altarch/7.9.2009/updates/$basearch/",
    ]);
    assert.deepEqual(baseUrls(yumConf(), "epel"), ["https://archives.fedoraproject.org/pub/archive/epel/7/$basearch/"]);
  });

  it("takes an archive's address for that of the release in it, too", () => {
    assert.deepEqual(baseUrls(yumConf({ mirrors: { centos: ["https://mirror.example.org/centos"] } }), "os"), [
      "https://mirror.example.org/centos/os/$basearch/",
      "https://mirror.example.org/centos/7.9.2009/os/$basearch/",
    ]);
  });

  it("takes what stands in the environment for the lists, whatever the settings say", () => {
    const env = { CENTOS7_ARCHIVE_URL: "http://c.org/7.9.2009", CENTOS7_EPEL_URL: "http://d.org/7, http://e.org/7" };
    const text = yumConf({ mirrors: { centos: ["http://a.org/7.9.2009"] } }, env);
    assert.deepEqual(baseUrls(text, "extras"), ["http://c.org/7.9.2009/extras/$basearch/"]);
    assert.deepEqual(baseUrls(text, "epel"), ["http://d.org/7/$basearch/", "http://e.org/7/$basearch/"]);
  });

  it("names the proxy, which pip is told too", () => {
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

  it("is none where the server's own serves", () => {
    const plan = planDownloads(server(), {});
    assert.equal(plan.files.package_config, "");
  });
});

describe("a platform's Pythons", () => {
  it("are pinned where what they bring no longer works", () => {
    const all = Object.values(platforms).flatMap((platform: Platform) =>
      Object.entries(platform.pythons).map(([name, python]) => [`${platform.name} ${name}`, pythonParameters(python)]),
    );
    const python36 = {
      python: "/usr/bin/python3",
      virtualenv: "",
      tools: "pip==21.3.1 setuptools==59.6.0 wheel==0.37.1",
    };
    assert.deepEqual(Object.fromEntries(all), {
      "debian12 3": { python: "/usr/bin/python3", virtualenv: "", tools: "" },
      "centos7 2.7": { python: "/usr/bin/python2.7", virtualenv: "16.7.12", tools: "" },
      "centos7 3": python36,
      "centos7 3.6": python36,
    });
  });
});

describe("what a container is made from", () => {
  it("is what the settings say, unless the environment names a root file system", () => {
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
