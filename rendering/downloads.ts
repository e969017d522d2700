import * as path from "node:path";
import { platforms, type Platform, type Python } from "../platforms";
import { extraCaCertificates, type CaSource } from "../settings/caCertificates";
import { baseUrls } from "../settings/mirrors";
import type { CommonServerSettings } from "../settings/serverCommon";
import { renderTemplate } from "./assets";

/** Where a server gets packages from, and whom it trusts: plain data for the scripts. */
export interface Downloads {
  /** What a script with the platform's package script among its parts needs to know. */
  packages: {
    /** Path of the package manager's configuration; no such file is there where the server's own is used. */
    package_config_file: string;
    /** Packages that hold a key, and its file, as PACKAGE=FILE words. */
    package_keys: string;
  };
  /** What a script needs to know that makes the server use all this: paths, texts (empty: no such file) and a command. */
  files: Record<"package_config" | "ca_file" | "ca_update" | "ca_bundle" | "ca_certificates", string>;
  /** What a script that calls pip needs to know. */
  pip: { ca_bundle: string; pip_index: string; proxy: string };
}

export function planDownloads(
  server: CommonServerSettings & CaSource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Downloads {
  const platform: Platform = platforms[server.platform];
  const { template, file } = platform.packages.configuration;
  const proxy = server.proxy ?? "";
  const places = { file, folder: path.posix.dirname(file) };
  const text = renderTemplate(template, { ...places, mirrors: baseUrls(platform, server.mirrors, env), proxy });
  return {
    packages: { package_config_file: file, package_keys: pairList(platform.packages.keys) },
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

/** What a script needs to know to look whether a server has the platform's system. */
export function systemParameters({ title, os }: Platform) {
  return { title, id: os.id, version_id: os.versionId, architectures: os.architectures.join(" ") };
}

/** What a script needs to know to make environments. */
export function pythonParameters({ executable, virtualenv = "", tools }: Python) {
  return { python: executable, virtualenv, tools: tools.join(" ") };
}

/** A list of NAME=VALUE words for a script. */
export function pairList(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
