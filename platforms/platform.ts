/** All that differs between operating systems. Nothing else in the project asks which one it is. */
export interface Platform {
  /** Name in the settings, e.g. `debian12`. */
  readonly name: string;
  /** Name for people, e.g. `Debian 12`. */
  readonly title: string;
  /** What /etc/os-release must say (os-release(5): ID, VERSION_ID) and `uname -m` (any of them). */
  readonly os: { readonly id: string; readonly versionId: string; readonly architectures: readonly string[] };
  /** Script with `install_packages NAME…`: installs what is missing and fails unless all of it is there afterwards. */
  readonly packageScript: string;
  /** What every host needs: a compiler, curl for health checks, pgrep. */
  readonly basePackages: readonly string[];
  /** Pythons that an app can choose, by the value of its setting `python`. */
  readonly pythons: Readonly<Record<string, Python>>;
  readonly nginx: Nginx;
  /** Where an extra CA certificate is put, the command that takes it in, and the bundle that results. */
  readonly trustStore: { readonly file: string; readonly update: string; readonly bundle: string };
}

export interface Python {
  /** Absolute path of the interpreter. */
  readonly executable: string;
  /** Interpreter, headers and what makes virtual environments. */
  readonly packages: readonly string[];
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
