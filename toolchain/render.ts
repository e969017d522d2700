// Writes what a stack's server would receive to a folder, without Pulumi and without SSH: npm run render -- STACK FOLDER
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { load } from "js-yaml";
import { platforms } from "../platforms";
import { planDownloads } from "../rendering/downloads";
import { serverFolder } from "../rendering/serverFolder";
import { planStack } from "../rendering/stack";
import { kindOf } from "../servers/registry";
import { encryptedPaths } from "../settings/encrypted";
import { loadSettings, SettingsError } from "../settings/load";
import type { Settings } from "../settings/schema";
import { sourceNotes, Sources } from "../settings/source";
import { SourceChanged } from "../settings/sourceTree";
import { reportUserErrors, UserError } from "./common/errors";

/**
 * Writes the folder, and returns the paths of its files.
 * @throws SettingsError with all mistakes; UserError
 */
export function render(root: string, stack: string, folder: string): string[] {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new UserError(
      `The folder ${folder} is not empty. Nothing was changed.`,
      "choose another folder, or remove it.",
    );
  }
  const project = (load(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as { name: string }).name;
  const sources = new Sources(root);
  const settings = readSettings(root, project, stack, sources);
  for (const [name, app] of Object.entries(settings.apps)) {
    const { warnings, notices } = sourceNotes(name, sources.of(app));
    for (const text of [...warnings, ...notices]) console.error(text);
  }
  const kind = kindOf(settings.server);
  const archives = mkdtempSync(join(tmpdir(), "render-"));
  try {
    const args = {
      stack: `${project}/${stack}`,
      platform: platforms[settings.server.platform],
      downloads: planDownloads({ ...settings.server, onYourComputer: kind.onYourComputer }),
      sources,
      loginUser: kind.loginUser(settings.server),
    };
    const files = serverFolder(planStack(settings, args, archives));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content, { mode: name === "set-up.sh" ? 0o755 : 0o644 });
    }
    return Object.keys(files);
  } finally {
    rmSync(archives, { recursive: true });
  }
}

function readSettings(root: string, project: string, stack: string, sources: Sources): Settings {
  const file = `Pulumi.${stack}.yaml`;
  if (!existsSync(join(root, file))) {
    throw new UserError(`The stack ${stack} has no settings (${file}). Nothing was changed.`, "name another stack.");
  }
  const { config } = (load(readFileSync(join(root, file), "utf8")) ?? {}) as { config?: Record<string, unknown> };
  const values = Object.entries(config ?? {})
    .map(([key, value]) => [key, withoutSecrets(value, [key])] as const)
    .filter(([, value]) => value !== undefined);
  // As the engine does.
  const fullKey = (key: string) => (key.includes(":") ? key : `${project}:${key}`);
  const texts = values.map(
    ([key, value]) => [fullKey(key), typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  const encrypted = encryptedPaths(project, config);
  const raw = { project, config: Object.fromEntries(texts), isSecret: () => false, encrypted, folder: root, sources };
  return loadSettings(raw);
}

/** Only Pulumi can decrypt them. Other texts stand for those of an app; the others are for logins, which nothing here needs. */
function withoutSecrets(value: unknown, path: readonly string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((it) => withoutSecrets(it, path)).filter((it) => it !== undefined);
  if ("secure" in value) return path.at(-2) === "secrets" ? "unknown" : undefined;
  const entries = Object.entries(value).map(([key, it]) => [key, withoutSecrets(it, [...path, key])] as const);
  return Object.fromEntries(entries.filter(([, it]) => it !== undefined));
}

function main([stack, folder, ...rest]: readonly string[]): void {
  if (stack === undefined || folder === undefined || rest.length > 0) {
    throw new UserError("Invalid command line. Nothing was changed.", "run: npm run render -- STACK FOLDER", 2);
  }
  const files = render(process.cwd(), stack, resolve(folder));
  console.log(`${files.length} files for the server of stack ${stack}: ${folder}`);
}

if (process.argv[1] === __filename) {
  const command = () => {
    main(process.argv.slice(2));
  };
  void reportUserErrors(command, [SettingsError, SourceChanged]);
}
