import * as path from "node:path";
import { platforms, type Platform, type Python } from "../platforms";
import { withHashes } from "../platforms/pythonPackages";
import { extraCaCertificates, type CaSource } from "../settings/caCertificates";
import { baseUrls } from "../settings/mirrors";
import type { CommonServerSettings } from "../settings/serverCommon";
import { asset, renderTemplate } from "./assets";
import { sha256 } from "./sha256";

/** Where a server gets packages from, and which certificates it trusts, by the names that the scripts use. */
export interface Downloads {
  /** For the platform's package script. */
  packages: {
    /** Path of the package manager's configuration for this project. The file exists only if it is needed. */
    package_config_file: string;
    /** The key of third-party packages, and the path at which the server may have it already. Empty if there is none. */
    package_key: string;
    package_key_file: string;
  };
  /** For downloads.sh: paths, texts (empty if there is no such file) and a command. */
  files: Record<"package_config" | "ca_file" | "ca_update" | "ca_bundle" | "ca_certificates", string>;
  /** For python.sh, which calls pip. */
  pip: { ca_bundle: string; pip_index: string; proxy: string };
}

export function planDownloads(
  server: CommonServerSettings & CaSource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Downloads {
  const platform: Platform = platforms[server.platform];
  const { template, file } = platform.packages.configuration;
  const proxy = server.proxy ?? "";
  const paths = { file, folder: path.posix.dirname(file) };
  const text = renderTemplate(template, { ...paths, mirrors: baseUrls(platform, server.mirrors, env), proxy });
  return {
    packages: { package_config_file: file, ...packageKey(platform) },
    files: {
      package_config: text,
      ca_file: platform.trustStore.file,
      ca_update: platform.trustStore.update,
      ca_bundle: platform.trustStore.bundle,
      ca_certificates: extraCaCertificates(server, env) ?? "",
    },
    pip: { ca_bundle: platform.trustStore.bundle, pip_index: server.pipIndex ?? "", proxy },
  };
}

function packageKey({ packages: { keyFile = "" } }: Platform) {
  return {
    package_key: keyFile === "" ? "" : asset(`keys/${path.posix.basename(keyFile)}`),
    package_key_file: keyFile,
  };
}

/** For system.sh. */
export function systemParameters({ title, os }: Platform) {
  return { title, id: os.id, version_id: os.versionId, architectures: os.architectures.join(" ") };
}

/** For python.sh. */
export function pythonParameters(name: string, { executable, isolation, virtualenv, tools }: Python) {
  const parameters = {
    ...{ python: executable, isolation },
    virtualenv: virtualenv === undefined ? "" : withHashes(`virtualenv==${virtualenv}`),
    tools: tools.map(withHashes).join(" "),
  };
  const hash = sha256(JSON.stringify(parameters)).slice(0, 8);
  return { ...parameters, seed: `/opt/uwsgi/seed-python${name}-${hash}` };
}

/** A list of NAME=VALUE words for a script. */
export function pairList(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
