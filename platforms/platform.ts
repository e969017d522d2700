/** All that differs between operating systems. Nothing else in the project asks which one it is. */
export interface Platform {
  /** Name in the settings, e.g. `debian12`. */
  readonly name: string;
  /** Name for people, e.g. `Debian 12`. */
  readonly title: string;
  /** What /etc/os-release must say (os-release(5): ID, VERSION_ID) and `uname -m` (any of them). */
  readonly os: { readonly id: string; readonly versionId: string; readonly architectures: readonly string[] };
  /** Version of systemd: a unit holds only what this one knows. */
  readonly systemd: number;
  readonly packages: Packages;
  /** Pythons that an app can choose, by the value of its setting `python`. */
  readonly pythons: Readonly<Record<string, Python>>;
  readonly nginx: Nginx;
  /** Where extra CA certificates are put, the command that takes them in, and the bundle that results. */
  readonly trustStore: { readonly file: string; readonly update: string; readonly bundle: string };
  readonly container: Container;
  /** The official images on AWS; none where nobody publishes any. */
  readonly aws?: AwsImages;
}

/** EC2's names of architectures. */
export type AwsArchitecture = "x86_64" | "arm64";

export interface AwsImages {
  /** Account that publishes them. */
  readonly owner: string;
  /** Their names; `*` stands for any text, and of several the newest is meant. */
  readonly names: Readonly<Partial<Record<AwsArchitecture, string>>>;
  /** User that their cloud-init makes, who becomes root with sudo and without a password. */
  readonly user: string;
  /** Amazon's SSM agent: the name of its build in the download's path, its package's ending, what installs that. */
  readonly ssmAgent: { readonly build: string; readonly ending: string; readonly install: string };
}

export interface Packages {
  /**
   * Script with `missing_packages NAME…`, `install_packages NAME…`, which installs what is missing and fails unless all of
   * it is there afterwards, `is_as_packaged FILE PACKAGE`, and `forget_downloads`, which removes what is ours alone.
   */
  readonly script: string;
  /** The package manager's configuration for this project's installations alone; the server's own stays as it is. */
  readonly configuration: { readonly template: string; readonly file: string };
  /** Lists of base URLs in that configuration, by the name of their setting (`server.mirrors.NAME`). */
  readonly mirrors: Readonly<Record<string, Mirrors>>;
  /** Packages that hold a key which others are signed with, and the key's file: they are unpacked, not installed. */
  readonly keys: Readonly<Record<string, string>>;
  /** What every server needs: a compiler, curl for health checks, pgrep. */
  readonly base: readonly string[];
  /** Megabytes that packages, the lists of them and a compiled uWSGI take at most, by folder. */
  readonly room: Readonly<Record<string, number>>;
  /** What it takes to change an SELinux policy; installed only where SELinux is enabled. */
  readonly selinux: readonly string[];
}

export interface Mirrors {
  /** What is found there, completing "Base URLs of …". */
  readonly title: string;
  /** Folder of this release in a whole archive: an address may be that of the archive or that of the release in it. */
  readonly release: string;
  /** Used where the setting names none. */
  readonly defaults: readonly string[];
  /** Environment variable of this machine that stands in for the setting. */
  readonly variable: string;
}

export interface Python {
  /** Absolute path of the interpreter. */
  readonly executable: string;
  /** Interpreter, headers and what makes virtual environments. */
  readonly packages: readonly string[];
  /** Version of virtualenv (PyPI) that makes the environments of a Python without `venv`. It brings pip and setuptools. */
  readonly virtualenv?: string;
  /** What `venv` brings is too old or too new for this Python: what takes its place in every environment, as pip takes it. */
  readonly tools: readonly string[];
}

export interface Nginx {
  readonly package: string;
  /** Group of nginx's workers, which may use the apps' sockets. */
  readonly group: string;
  readonly user: string;
  /** Folder whose *.conf files nginx.conf includes in its http block. */
  readonly siteFolder: string;
  /** The distribution's welcome site, switched off as long as it is as packaged; none where nginx.conf holds it. */
  readonly defaultSite?: { readonly link: string; readonly file: string; readonly package: string };
}

/** How the system becomes a server in a container. */
export interface Container {
  /** An image of this system, where the toolchain makes none: a setting must name it or another. */
  readonly image?: string;
  /** Environment variable of this machine that names a root file system, which stands in for the image. */
  readonly rootFilesystemVariable?: string;
  /** Packages that an image of this system may lack to be a server. */
  readonly packages: readonly string[];
  /** Options of `create` beyond those that every container with systemd needs. */
  readonly runOptions: readonly string[];
  /** The first process: the words of a command. */
  readonly command: readonly string[];
  /** Its systemd boots only where the machine has a cgroup v1 hierarchy `name=systemd`. */
  readonly needsCgroupV1: boolean;
}
