import type { AppSettings } from "./apps";
import { codeFiles } from "./codeFiles";
import { forApp, type Mistake } from "./mistake";
import { placeholdersIn } from "./pip";
import { installation } from "./requirements";
import type { Source } from "./source";

/** What keeps pip from installing an app's requirements. */
export function requirementsChecks(name: string, app: AppSettings, source: Source): Mistake[] {
  const { placeholders, problems } = installation(codeFiles(source), app);
  const path = ["apps", name, "requirements"];
  return [
    ...problems.map(({ text, fix }) => ({ path, text: forApp(name, text), fix: forApp(name, fix) })),
    ...secretChecks(name, app, placeholders),
  ];
}

/** Placeholders without a value, and values without a placeholder. */
function secretChecks(name: string, { pip }: AppSettings, inFiles: ReadonlyMap<string, string>): Mistake[] {
  const at = ["apps", name, "pip"];
  const urls = [
    ...(pip.index === undefined ? [] : [{ path: [...at, "index"], url: pip.index }]),
    ...pip.extraIndexes.map((url) => ({ path: [...at, "extraIndexes"], url })),
  ];
  const inUrls = urls.flatMap(({ path, url }) => placeholdersIn(url).map((placeholder) => ({ path, placeholder })));
  const has = (placeholder: string) => placeholder in pip.secrets;
  const fix = (placeholder: string) => `set pip.secrets.${placeholder} of the app with --secret.`;
  return [
    ...inUrls
      .filter(({ placeholder }) => !has(placeholder))
      .map(({ path, placeholder }) => ({
        ...{ path, text: `uses \${${placeholder}}, which has no value.`, fix: fix(placeholder) },
      })),
    ...[...inFiles]
      .filter(([placeholder]) => !has(placeholder))
      .map(([placeholder, where]) => ({
        path: ["apps", name, "requirements"],
        ...{ text: `${where} uses \${${placeholder}}, which has no value.`, fix: fix(placeholder) },
      })),
    ...Object.keys(pip.secrets)
      .filter((it) => !inFiles.has(it) && !inUrls.some(({ placeholder }) => placeholder === it))
      .map((it) => ({
        path: [...at, "secrets", it],
        text: `is not used: neither an index of the app nor its requirements have \${${it}}.`,
        fix: "remove it, or use it.",
      })),
  ];
}
