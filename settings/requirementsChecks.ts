import type { AppSettings } from "./apps";
import { codeFiles } from "./codeFiles";
import { forApp, type Mistake } from "./mistake";
import { isSecretName, placeholdersIn } from "./pip";
import { installation, type Placeholder } from "./requirements";
import type { Source } from "./source";

/** What keeps pip from installing an app's requirements. */
export function requirementsChecks(name: string, app: AppSettings, source: Source): Mistake[] {
  const { placeholders, problems } = installation(codeFiles(source), app);
  const path = ["apps", name, "requirements"];
  return [
    ...problems.map(({ text, fix }) => ({ path, text: forApp(name, text), fix: forApp(name, fix) })),
    ...fileChecks(name, app, placeholders),
    ...unusedChecks(name, app, placeholders),
  ];
}

/** Placeholders without a value in the URLs of indexes, which need no code to be known. */
export function indexChecks(name: string, { pip }: AppSettings): Mistake[] {
  return placeholdersOf(name, pip)
    .filter(({ placeholder }) => !Object.hasOwn(pip.secrets, placeholder))
    .map(({ path, placeholder }) => ({
      path,
      text: `uses \${${placeholder}}, which has no value.`,
      fix: isSecretName(placeholder)
        ? setSecret(placeholder)
        : "rename the placeholder: pip or the shell uses this name.",
    }));
}

function placeholdersOf(name: string, { index, extraIndexes }: AppSettings["pip"]) {
  const at = ["apps", name, "pip"];
  const urls = [
    ...(index === undefined ? [] : [{ path: [...at, "index"], url: index }]),
    ...extraIndexes.map((url) => ({ path: [...at, "extraIndexes"], url })),
  ];
  return urls.flatMap(({ path, url }) => placeholdersIn(url).map((placeholder) => ({ path, placeholder })));
}

const setSecret = (placeholder: string) => `set pip.secrets.${placeholder} of the app with --secret.`;

type Placeholders = ReadonlyMap<string, Placeholder>;

function fileChecks(name: string, { pip }: AppSettings, inFiles: Placeholders): Mistake[] {
  return [...inFiles]
    .filter(([placeholder]) => !Object.hasOwn(pip.secrets, placeholder))
    .map(([placeholder, { where, isPath }]) => ({
      path: ["apps", name, "requirements"],
      text: `${where} uses \${${placeholder}}, which has no value.`,
      fix: isPath
        ? "write the path relative to the app's source."
        : isSecretName(placeholder)
          ? setSecret(placeholder)
          : "rename the placeholder: pip or the shell uses this name.",
    }));
}

/** Values without a placeholder. */
function unusedChecks(name: string, { pip }: AppSettings, inFiles: Placeholders): Mistake[] {
  const inUrls = placeholdersOf(name, pip);
  return Object.keys(pip.secrets)
    .filter((it) => !inFiles.has(it) && !inUrls.some(({ placeholder }) => placeholder === it))
    .map((it) => ({
      path: ["apps", name, "pip", "secrets", it],
      text: `is not used: neither an index of the app nor its requirements have \${${it}}.`,
      fix: "remove it, or use it.",
    }));
}
