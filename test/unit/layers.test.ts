// The layers of the program: see CONTRIBUTING.md, Layout.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { kindNamed, serverKinds } from "../../servers/registry";
import { root } from "../support/root";

/** What the files of each folder may import from other folders: all of a folder, or a single file. */
const allowed: Record<string, readonly string[]> = {
  platforms: [],
  settings: ["platforms", "servers/registry"],
  rendering: ["platforms", "settings"],
  components: ["platforms", "settings", "rendering", "servers/server"],
  servers: ["platforms", "settings", "rendering", "components"],
};

interface Import {
  /** Path from the root without its ending, or the name of a package. */
  from: string;
  isType: boolean;
}

const files = [
  "index.ts",
  ...Object.keys(allowed).flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.join(folder, name)),
  ),
];
const textOf = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

/** The static imports of a file. */
function importsOf(file: string): Import[] {
  return [...textOf(file).matchAll(/^(?:import|export) (type )?(?:[^;]*? from )?"(.+?)";$/gm)].map(
    ([, type, from = ""]) => ({
      from: from.startsWith(".") ? path.join(path.dirname(file), from) : from,
      isType: type !== undefined,
    }),
  );
}

/** The file behind an import of the project; undefined for a package. */
function fileOf(from: string): string | undefined {
  return [`${from}.ts`, `${from}/index.ts`].find((file) => files.includes(file));
}

/** The path from a file through its imports to the first import that is wanted. */
function pathTo(file: string, wanted: (it: Import) => boolean, seen = new Set<string>()): string[] | undefined {
  if (seen.has(file)) return undefined;
  seen.add(file);
  for (const it of importsOf(file)) {
    if (it.isType) continue;
    if (wanted(it)) return [file, it.from];
    const next = fileOf(it.from);
    const rest = next === undefined ? undefined : pathTo(next, wanted, seen);
    if (rest) return [file, ...rest];
  }
  return undefined;
}

/** An import cycle that a file is part of. Imports of types count too. */
function cycleOf(file: string): string[] | undefined {
  const visit = (at: string, trail: readonly string[], seen: Set<string>): string[] | undefined => {
    for (const { from } of importsOf(at)) {
      const next = fileOf(from);
      if (next === file) return [...trail, file];
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      const found = visit(next, [...trail, next], seen);
      if (found) return found;
    }
    return undefined;
  };
  return visit(file, [file], new Set());
}

const isPulumi = ({ from }: Import) => from.startsWith("@pulumi/");
const rule = "see the layers in CONTRIBUTING.md";

describe("the layers of the program", () => {
  for (const file of files.filter((name) => name.includes("/"))) {
    it(`${file} only imports from the layers below`, () => {
      const [folder = ""] = file.split("/");
      const permitted = [folder, ...(allowed[folder] ?? [])];
      const wrong = importsOf(file)
        .map(({ from }) => from)
        .filter((from) => fileOf(from) !== undefined || from.startsWith(".."))
        .filter((from) => !permitted.some((it) => from === it || from.startsWith(`${it}/`)));
      assert.deepEqual(wrong, [], `${file} must only import from ${permitted.join(", ")}: ${rule}`);
    });
  }

  it("no file is part of an import cycle", () => {
    const cycles = files.flatMap((file) => [cycleOf(file) ?? []]).filter((cycle) => cycle.length > 0);
    const [shortest] = cycles.sort((a, b) => a.length - b.length);
    assert.equal(shortest?.join(" → "), undefined, "move what both files need to a third one");
  });

  for (const file of files.filter((name) => /^(platforms|settings|rendering)\//.test(name))) {
    it(`${file} does not load @pulumi`, () => {
      assert.equal(pathTo(file, isPulumi)?.join(" → "), undefined, `this file must be pure: ${rule}`);
    });
  }

  it("the registry of server kinds does not load @pulumi, because the toolchain and the docs read it", () => {
    assert.equal(
      pathTo("servers/registry.ts", isPulumi)?.join(" → "),
      undefined,
      "load the component in create(), as servers/aws/index.ts does",
    );
  });

  it("a cloud's SDK is only loaded by stacks that use that cloud", () => {
    const path = pathTo("index.ts", ({ from }) => from.startsWith("@pulumi/aws"));
    assert.equal(path?.join(" → "), undefined, "load the component in create(), as servers/aws/index.ts does");
  });

  it("the program imports neither the toolchain nor the tests", () => {
    const wrong = files.filter((file) => importsOf(file).some(({ from }) => /^(toolchain|offline|test)\//.test(from)));
    assert.deepEqual(wrong, [], rule);
  });
});

describe("the kind of a server", () => {
  const kinds = Object.keys(serverKinds);

  it("a kind has the same name in its folder, its schema and the registry", () => {
    for (const [name, { schema }] of Object.entries(serverKinds)) {
      assert.deepEqual([...schema.shape.kind.values], [name]);
      assert.ok(fs.existsSync(path.join(root, "servers", name, "index.ts")), `servers/${name}/index.ts is missing`);
    }
  });

  it("an unknown or missing kind counts as the default in the toolchain, until the settings are loaded", () => {
    const [first] = Object.values(serverKinds);
    assert.deepEqual([kindNamed("aws"), kindNamed("cloud"), kindNamed(undefined)], [serverKinds.aws, first, first]);
  });

  it("no code asks for the kind of a server, except for the registry", () => {
    const comparison = new RegExp(
      `\\bkind\\b[^;\\n]{0,20}[!=]==|case "(${kinds.join("|")})"|[!=]== "(${kinds.join("|")})"`,
    );
    const wrong = files
      .filter((file) => !kinds.some((kind) => file.startsWith(`servers/${kind}/`)))
      .filter((file) => file !== "servers/registry.ts" && comparison.test(textOf(file)));
    assert.deepEqual(wrong, [], "add what differs to ServerKind (servers/kind.ts) instead of asking for the kind");
  });

  it("only the registry imports the folder of a kind", () => {
    const wrong = files
      .filter((file) => file !== "servers/registry.ts" && !kinds.some((kind) => file.startsWith(`servers/${kind}/`)))
      .filter((file) => importsOf(file).some(({ from }) => kinds.some((kind) => from.startsWith(`servers/${kind}`))));
    assert.deepEqual(wrong, [], "use servers/registry");
  });
});
