// Settings as a stack's file holds them, and the mistakes that are reported about them.
import assert from "node:assert/strict";
import type { SettingPath } from "../../settings/encrypted";
import { loadSettings, type RawSettings, SettingsError } from "../../settings/load";
import { settingsSchema } from "../../settings/schema";
import { root } from "./root";

interface Options {
  /** Full keys that hold a secret. */
  secrets?: string[];
  /** Paths of values that the stack's file has encrypted. */
  encrypted?: SettingPath[];
  folder?: string;
}

type Values = Record<string, unknown>;

/** The settings of a stack that sets nothing. */
export const defaults = settingsSchema.parse({});

/** Settings as the engine passes them: structured values as JSON, plain ones as text. */
export function raw(settings: Values, options: Options = {}): RawSettings {
  const entries = Object.entries(settings).map(([key, value]): [string, string] => [
    `uwsgi-nginx:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return {
    project: "uwsgi-nginx",
    config: { ...Object.fromEntries(entries), "aws:region": "eu-central-1" },
    isSecret: (key) => options.secrets?.includes(key) ?? false,
    encrypted: options.encrypted,
    folder: options.folder ?? root,
  };
}

export function load(settings: Values, options?: Options) {
  return loadSettings(raw(settings, options));
}

export function mistakes(settings: Values, options?: Options): readonly string[] {
  try {
    load(settings, options);
  } catch (error) {
    assert.ok(error instanceof SettingsError, `expected a SettingsError, got: ${String(error)}`);
    return error.mistakes;
  }
  throw new Error(`expected a mistake, but these settings were accepted: ${JSON.stringify(settings)}`);
}

/** A mistake as it is reported. */
export const mistake = (text: string, fix: string) => `${text}\n  Fix: ${fix}`;

export const app = (settings: Values) => ({ apps: { hello: settings } });

export const aws = (settings: Values = {}) => ({
  server: { kind: "aws", region: "eu-central-1", sshCidrs: ["198.51.100.7/32"], ...settings },
});

/** What ssh-keyscan prints. The key that the server presents comes last. */
export const scanned = [
  "# server.example.org:22 SSH-2.0-OpenSSH_7.4",
  `server.example.org ssh-ed25519 ${"B".repeat(68)}`,
  `server.example.org ssh-rsa ${"C".repeat(80)}`,
  `server.example.org ecdsa-sha2-nistp256 ${"A".repeat(60)}=`,
].join("\n");

export const ssh = (settings: Values = {}) => ({
  server: { kind: "ssh", address: "server.example.org", hostKey: scanned, ...settings },
});
