/** Describes an operating system. No other code asks which one a server runs. */
export interface Platform {
  /** Name in the settings, e.g. `debian12`. */
  readonly name: string;
  /** Name for people, e.g. `Debian 12`. */
  readonly title: string;
  /** ID and VERSION_ID in /etc/os-release (os-release(5)), and the supported values of `uname -m`. */
  readonly os: { readonly id: string; readonly versionId: string; readonly architectures: readonly string[] };
  /** Version of systemd. Units contain only directives that it supports. */
  readonly systemd: number;
  readonly packages: Packages;
  /** Pythons that an app can use, by the value of its setting `python`. */
  readonly pythons: Readonly<Record<string, Python>>;
  readonly nginx: Nginx;
  /** The distribution's uWSGI: its packages, besides a plugin for each Python, and the executable that they install. */
  readonly uwsgi: { readonly packages: readonly string[]; readonly executable: string };
  /** Where extra CA certificates are installed, the command that updates the trust store, and the resulting bundle. */
  readonly trustStore: { readonly file: string; readonly update: string; readonly bundle: string };
  readonly container: Container;
  /** The official images on AWS, if there are any. */
  readonly aws?: AwsImages;
}

/** Architectures by EC2's names. */
export type AwsArchitecture = "x86_64" | "arm64";

export interface AwsImages {
  /** Account that publishes them. */
  readonly owner: string;
  /** Their names, where `*` matches any text. The newest match is used. */
  readonly names: Readonly<Partial<Record<AwsArchitecture, string>>>;
  /** Their login user, who can use sudo without a password. */
  readonly user: string;
  /** Amazon's SSM agent: the build in the download's path, the package's file extension, and the command that installs it. */
  readonly ssmAgent: { readonly build: string; readonly ending: string; readonly install: string };
}

export interface Packages {
  /**
   * Script with the functions `missing_packages NAME…`, `install_packages NAME…` (fails unless all are installed
   * afterwards), `is_as_packaged FILE PACKAGE`, and `forget_downloads`, which removes this project's caches and keys.
   */
  readonly script: string;
  /** The package manager's configuration for this project. The server's own configuration is not changed. */
  readonly configuration: { readonly template: string; readonly file: string };
  /** Lists of base URLs in that configuration, by the name of their setting (`server.mirrors.NAME`). */
  readonly mirrors: Readonly<Record<string, Mirrors>>;
  /**
   * Where the distribution's package with the key of third-party packages would install it. The key itself is in assets/keys,
   * because nothing that is downloaded should say whom to trust.
   */
  readonly keyFile?: string;
  /** Packages that every server needs: curl for health checks, pgrep. */
  readonly base: readonly string[];
  /** Packages of a compiler, which uWSGI needs if it is compiled. */
  readonly compiler: readonly string[];
  /** Packages that the builds of common requirements need, by what they miss without (assets/toolkit/pip.sh). */
  readonly forPip: Readonly<Record<PipNeed, readonly string[]>>;
  /** Megabytes that packages, package lists and a compiled uWSGI need at most, by folder. */
  readonly diskSpace: Readonly<Record<string, number>>;
  /** Packages for changes to the SELinux policy, installed only if SELinux is enabled. */
  readonly selinux: readonly string[];
}

/** What a build of a requirement misses: a program, or a library with its headers. */
export type PipNeed =
  | ("postgresql" | "mysql" | "ldap" | "ffi" | "openssl" | "xml" | "jpeg" | "zlib")
  | ("cxx" | "rust" | "make" | "cmake" | "pkgconfig" | "git");

export interface Mirrors {
  /** What the mirrors contain, completing "Base URLs of …". */
  readonly title: string;
  /** Folder of this release in the archive. A URL may be that of the archive or of the release. */
  readonly release: string;
  /** Used if the setting is empty. */
  readonly defaults: readonly string[];
  /** Environment variable on your computer that overrides the setting. */
  readonly variable: string;
}

export interface Python {
  /** Absolute path of the interpreter. */
  readonly executable: string;
  /** Options that keep it from importing what is in the working directory, the environment or the user's folders. */
  readonly isolation: string;
  /** Packages of the interpreter and its tool for virtual environments. */
  readonly packages: readonly string[];
  /** Packages of its headers, which uWSGI needs if it is compiled. */
  readonly headers: readonly string[];
  /** The newest version of pyuwsgi (PyPI) that has a wheel for it. */
  readonly pyuwsgi: string;
  /** The distribution's plugin of uWSGI for it: its package, and its name in the option `plugin`. */
  readonly plugin: { readonly package: string; readonly name: string };
  /** Version of virtualenv (PyPI) for a Python without `venv`. It installs pip and setuptools. */
  readonly virtualenv?: string;
  /** Requirements that replace the tools of `venv` in every environment, because those are too old or too new. */
  readonly tools: readonly string[];
  /** Requirements that an environment lacks for compiling uWSGI. */
  readonly compileTools: readonly string[];
}

export interface Nginx {
  readonly package: string;
  /** Group of nginx's workers, which may use the apps' sockets. */
  readonly group: string;
  readonly user: string;
  /** Folder whose *.conf files nginx.conf includes in its http block. */
  readonly siteFolder: string;
  /** The distribution's welcome site, disabled if it is unmodified. Not set if it is part of nginx.conf. */
  readonly defaultSite?: { readonly link: string; readonly file: string; readonly package: string };
}

/** How the system runs in a container. */
export interface Container {
  /** An example image, if the toolchain builds none. Then the setting `server.image` is required. */
  readonly image?: string;
  /** Environment variable on your computer with a root file system, which overrides the image. */
  readonly rootFilesystemVariable?: string;
  /** Packages of a server that an image may lack. */
  readonly packages: readonly string[];
  /** Options of `create`, besides those that every container with systemd needs. */
  readonly runOptions: readonly string[];
  /** Command of the first process. */
  readonly command: readonly string[];
  /** Its systemd boots only if your computer has a cgroup v1 hierarchy `name=systemd`. */
  readonly needsCgroupV1: boolean;
}
