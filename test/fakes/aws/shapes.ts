// The inputs that the types of @pulumi/aws allow, read from its declarations: what the fake AWS checks.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { root } from "../../support/root";

/** What a value may be: a word of JSON's types, a list or a map of something, or an object with these fields. */
export type Shape =
  | "string"
  | "number"
  | "boolean"
  | { list: Shape }
  | { map: Shape }
  | { fields: Record<string, { required: boolean; shape: Shape }> };

const folder = join(root, "node_modules/@pulumi/aws");

/** Modules and interfaces by the token of the resource type or look-up: `aws:ec2/instance:Instance`, `…:getAmi`. */
function argsOf(token: string): Shape {
  const [, path = "", name = ""] = token.split(":");
  const isLookUp = name.startsWith("get");
  const file = isLookUp ? `${path.split("/")[0]}/${name}.d.ts` : `${path}.d.ts`;
  const wanted = isLookUp ? `G${name.slice(1)}Args` : `${name}Args`;
  const declared = interfaces(file).get(wanted);
  if (!declared) throw new Error(`@pulumi/aws has no ${wanted} in ${file}`);
  return shapeOfInterface(declared);
}

const parsed = new Map<string, Map<string, ts.InterfaceDeclaration>>();

/** The interfaces of a file, with their namespaces: `ec2.InstanceRootBlockDevice`. */
function interfaces(file: string): Map<string, ts.InterfaceDeclaration> {
  const known = parsed.get(file);
  if (known) return known;
  const found = new Map<string, ts.InterfaceDeclaration>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isInterfaceDeclaration(node)) found.set(`${prefix}${node.name.text}`, node);
    else if (ts.isModuleDeclaration(node) && node.body) visit(node.body, `${prefix}${node.name.text}.`);
    else
      ts.forEachChild(node, (child) => {
        visit(child, prefix);
      });
  };
  const text = readFileSync(join(folder, file), "utf8");
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), "");
  parsed.set(file, found);
  return found;
}

function shapeOfInterface(declared: ts.InterfaceDeclaration): Shape {
  const fields = declared.members.filter(ts.isPropertySignature).map((member) => {
    const required = member.questionToken === undefined;
    return [member.name.getText(), { required, shape: shapeOfType(member.type) }] as const;
  });
  return { fields: Object.fromEntries(fields) };
}

function shapeOfType(type: ts.TypeNode | undefined): Shape {
  if (!type) throw new Error("a property without a type");
  if (type.kind === ts.SyntaxKind.StringKeyword) return "string";
  if (type.kind === ts.SyntaxKind.NumberKeyword) return "number";
  if (type.kind === ts.SyntaxKind.BooleanKeyword) return "boolean";
  if (ts.isArrayTypeNode(type)) return { list: shapeOfType(type.elementType) };
  if (ts.isTypeLiteralNode(type)) {
    const index = type.members.find(ts.isIndexSignatureDeclaration);
    if (index) return { map: shapeOfType(index.type) };
  }
  // Of several what is no `undefined`; a resource or an enumeration stands for its text.
  if (ts.isUnionTypeNode(type)) return shapeOfType(type.types.find((it) => it.kind !== ts.SyntaxKind.UndefinedKeyword));
  if (ts.isTypeReferenceNode(type)) {
    const name = type.typeName.getText();
    if (name === "pulumi.Input") return shapeOfType(type.typeArguments?.[0]);
    const inner = interfaces("types/input.d.ts").get(name.replace(/^inputs\./, ""));
    if (inner) return shapeOfInterface(inner);
    return "string";
  }
  throw new Error(`a type that is not understood: ${type.getText()}`);
}

/** Writes the shapes of these tokens to a file, unless it holds those of this version of the package already. */
export function writeShapes(tokens: readonly string[], file: string): void {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const of = `${version} ${tokens.join(" ")}`;
  if (existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { of: string }).of === of) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ of, shapes: Object.fromEntries(tokens.map((it) => [it, argsOf(it)])) }));
}
