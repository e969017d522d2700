// Collects the error texts from the sources of all layers.
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";
import { root } from "./root";
import { scriptErrors } from "./scriptErrors";

/** What is only known at run time. */
const unknown = "…";

/** Whether a text consists of values that are only known at run time. Where they come from, they are collected too. */
export function isUnknown(text: string | undefined): boolean {
  return text !== undefined && /^(…|\[secret\]|[\s:.])+$/.test(text);
}

export interface ErrorText {
  /** FILE:LINE in the repository. */
  where: string;
  /** What failed. A value is written as `…`. */
  what?: string;
  /** What to do. */
  fix?: string;
  /** The text follows a setting's key and value. */
  followsKey?: boolean;
  /** The source has only this part; the other one is added elsewhere. */
  part?: "what" | "fix";
}

/** Error texts of the files in a folder, or of a single file. */
export function errorTexts(source: string): ErrorText[] {
  const full = path.join(root, source);
  if (!fs.existsSync(full)) return [];
  const names = fs.statSync(full).isDirectory()
    ? fs.readdirSync(full, { recursive: true, encoding: "utf8" }).map((name) => path.join(source, name))
    : [source];
  return names.filter((name) => !name.includes("node_modules")).flatMap((name) => textsOf(name));
}

function textsOf(name: string): ErrorText[] {
  if (!/\.(ts|mjs|sh|yml)$/.test(name) || name.endsWith(".d.ts")) return [];
  const text = fs.readFileSync(path.join(root, name), "utf8");
  if (name.endsWith(".sh"))
    return scriptErrors(text).map(({ line, ...error }) => ({ where: `${name}:${line}`, ...error }));
  if (name.endsWith(".yml")) return workflowErrors(name, text);
  return sourceErrors(name);
}

/** `::error::WHAT Fix: FIX` in a workflow, and the same with `echo "Error: …"` in a shell command in TypeScript. */
function workflowErrors(name: string, text: string): ErrorText[] {
  return text.split("\n").flatMap((line, index) => {
    const [, message] = /::error::(.*)"$/.exec(line) ?? [];
    return message === undefined ? [] : [{ where: `${name}:${index + 1}`, ...divide(message) }];
  });
}

/** Divides a whole message into its two parts. */
function divide(message: string): Pick<ErrorText, "what" | "fix"> {
  const [what = "", ...fix] = message.split(/\s+Fix: /);
  return { what, ...(fix.length > 0 ? { fix: fix.join(" ") } : {}) };
}

/** Calls that take WHAT and FIX as their first or last arguments, by the name of the function. */
const calls = new Map<string, (args: readonly ts.Expression[]) => readonly (ts.Expression | undefined)[]>([
  ["UserError", (args) => [args[0], args[1]]],
  ["mistakeText", (args) => args.slice(1)],
]);

function sourceErrors(name: string): ErrorText[] {
  const file = parse(name);
  const errors: ErrorText[] = [];
  const add = (node: ts.Node, error: Omit<ErrorText, "where">) => {
    errors.push({ where: `${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`, ...error });
  };
  const addAll = (node: ts.Node, what: ts.Expression, fix: ts.Expression | undefined, followsKey = false) => {
    const found = fix ? textsIn(fix) : [];
    const fixes = found.length > 0 ? found : [undefined];
    for (const it of textsIn(what))
      for (const aFix of fixes) add(node, { ...divide(it), ...(aFix === undefined ? {} : { fix: aFix }), followsKey });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
      const called = node.expression.getText().split(".").at(-1) ?? "";
      const args = node.arguments ?? [];
      const isSuper = called === "super" && /extends UserError\b/.test(enclosingClass(node)?.getText() ?? "");
      const [what, fix] = calls.get(isSuper ? "UserError" : called)?.(args) ?? [];
      if (what) addAll(node, what, fix, called === "mistakeText");
      // A property of an error that is thrown again holds a text that is collected elsewhere.
      else if (called === "RunError" && args[0] && !ts.isPropertyAccessExpression(args[0]))
        addAll(node, args[0], undefined);
    } else if (ts.isObjectLiteralExpression(node)) {
      const { path: key, text: mistake, what, fix, pattern, hint } = properties(node);
      if (what && fix) addAll(node, what, fix);
      // The path of a setting is a list; a file has a path and a text, too.
      else if (mistake && (fix ?? (key && !ts.isStringLiteralLike(key)))) addAll(node, mistake, fix, true);
      else if (pattern && hint) for (const it of textsIn(hint)) add(node, divide(it));
      else if (pattern && fix) for (const it of textsIn(fix)) add(node, { fix: it, part: "fix" });
    } else if (ts.isStringLiteralLike(node)) {
      const [, message] = /^echo "Error: (.*)"/.exec(node.text) ?? [];
      const [, advice] = /^echo "Fix: (.*?)"/.exec(node.text) ?? [];
      if (message !== undefined) add(node, { what: message, part: "what" });
      if (advice !== undefined) add(node, { fix: advice, part: "fix" });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return errors;
}

function enclosingClass(node: ts.Node): ts.Node | undefined {
  return ts.findAncestor(node, ts.isClassLike);
}

function properties(node: ts.ObjectLiteralExpression): Readonly<Record<string, ts.Expression | undefined>> {
  return Object.fromEntries(
    node.properties.flatMap((property): [string, ts.Expression][] => {
      if (ts.isPropertyAssignment(property)) return [[property.name.getText(), property.initializer]];
      return ts.isShorthandPropertyAssignment(property) ? [[property.name.text, property.name]] : [];
    }),
  );
}

/** The texts that an expression can have. What is only known at run time is `…`. */
function textsIn(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsIn(node.expression);
  if (ts.isConditionalExpression(node)) return [...textsIn(node.whenTrue), ...textsIn(node.whenFalse)];
  if (ts.isArrayLiteralExpression(node)) return node.elements.flatMap(textsIn);
  if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) return textsIn(node.body);
  if (ts.isTemplateExpression(node)) {
    return node.templateSpans.reduce(
      (texts, { expression, literal }) => combine(combine(texts, textsIn(expression)), [literal.text]),
      [node.head.text],
    );
  }
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [textsIn(node.left), textsIn(node.right)];
    return node.operatorToken.kind === ts.SyntaxKind.PlusToken ? combine(left, right) : [...left, ...right];
  }
  if (ts.isIdentifier(node)) return declared(node.text, node) ?? [unknown];
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    return declared(node.expression.text, node) ?? [unknown];
  }
  return [unknown];
}

function combine(beginnings: readonly string[], ends: readonly string[]): string[] {
  return beginnings.flatMap((beginning) => ends.map((end) => beginning + end));
}

/** The texts of a constant or a function, in the nearest block that declares it or in the module that exports it. */
function declared(name: string, from: ts.Node): string[] | undefined {
  for (let scope: ts.Node | undefined = from; scope; scope = scope.parent as ts.Node | undefined) {
    if (ts.isFunctionLike(scope) && scope.parameters.some((parameter) => parameter.name.getText() === name)) return;
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (ts.isFunctionDeclaration(statement) && statement.name?.text === name) return returned(statement);
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find((it) => it.name.getText() === name);
      if (found?.initializer) return textsIn(found.initializer);
    }
  }
  const module = importedFrom(name, from.getSourceFile());
  return module === undefined ? undefined : declared(name, parse(module));
}

/** The texts that a function returns. */
function returned(declaration: ts.FunctionDeclaration): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression) texts.push(...textsIn(node.expression));
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return texts.length > 0 ? texts : [unknown];
}

/** The file of this repository that a name is imported from. */
function importedFrom(name: string, file: ts.SourceFile): string | undefined {
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings) || !bindings.elements.some((it) => it.name.text === name)) continue;
    const module = path.join(path.dirname(file.fileName), statement.moduleSpecifier.text);
    return [module, `${module}.ts`, path.join(module, "index.ts")].find(
      (it) => /\.(ts|mjs)$/.test(it) && fs.existsSync(path.join(root, it)),
    );
  }
  return undefined;
}

function parse(name: string): ts.SourceFile {
  const text = fs.readFileSync(path.join(root, name), "utf8");
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
}
