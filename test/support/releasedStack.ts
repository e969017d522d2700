// A stack as a released version has left it: its state, and what its server has received. `npm run fixture` records them in
// test/fixtures/VERSION, and later versions must take such a stack over.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tar from "tar";
import { manifestText } from "../../rendering/manifest";
import { archiveTime } from "../../rendering/tarArchive";
import { extraCaCertificates } from "../../settings/caCertificates";
import { Product, type Settings } from "./product";
import { root } from "./root";
import { TestServer } from "./testServer";

export const fixtures = join(root, "test/fixtures");

/** What `npm run render` writes. */
const rendered = "server.tar.gz";
const state = "state.json";

/** What is another one wherever a stack runs. */
const placesOf = (server: TestServer): Readonly<Record<string, string | number>> => ({
  "@PRIVATE_KEY@": server.connection.privateKey,
  "@HOST_KEY@": server.connection.hostKey,
  "@SSH_PORT@": server.connection.port,
  "@HTTP_PORT@": server.port(80),
});

/** Settings that bring a stack to an existing server. */
export function settingsFor(server: TestServer, more: Settings = {}): Settings {
  return { server: { ...server.settings, ...more }, apps: { hello: { source: "apps/hello" } } };
}

/**
 * Writes a fixture.
 * @param folder of what its server has received, as `npm run render` writes it
 */
export async function record(product: Product, server: TestServer, folder: string, fixture: string): Promise<void> {
  await mkdir(fixture, { recursive: true });
  const files = { cwd: folder, file: join(fixture, rendered), gzip: true, portable: true, mtime: archiveTime };
  await tar.create(files, ["."]);
  const { stdout } = await product.succeed("stack", "export", "--show-secrets", "--stack", product.stack);
  const places = Object.entries(placesOf(server));
  const neutral = (value: string | number) =>
    places.reduce<string | number>((it, [name, place]) => {
      if (typeof it === "number") return it === place ? name : it;
      return it.replaceAll(typeof place === "number" ? new RegExp(`\\b${place}\\b`, "g") : place, name);
    }, value);
  const exported = mapped(JSON.parse(stdout), neutral);
  await writeFile(join(fixture, state), `${JSON.stringify(withoutPaths(exported), undefined, 1)}\n`);
}

/** The version's server, brought up by what it had received, and its stack. */
export async function restore(fixture: string, server: TestServer): Promise<Product> {
  const work = await mkdtemp(join(tmpdir(), "fixture-"));
  try {
    await tar.extract({ cwd: work, file: join(fixture, rendered) });
    const certificates = extraCaCertificates({ onYourComputer: true }) ?? "";
    await trust(join(work, "manifests/server"), certificates);
    await server.copyTo(work, "/root/released");
    await server.sh("bash /root/released/set-up.sh");

    const product = await Product.make();
    await product.writeFile("ca.pem", certificates);
    await mkdir(join(product.projectDir, "apps/hello"), { recursive: true });
    await tar.extract({ cwd: join(product.projectDir, "apps/hello"), file: join(work, "uploads/hello.tar.gz") });
    await product.configure(settingsFor(server, certificates === "" ? {} : { caCertificates: "ca.pem" }));
    const places = placesOf(server);
    const actual = (value: string | number) => {
      if (typeof value === "number") return value;
      const all = Object.entries(places);
      return places[value] ?? all.reduce((it, [name, place]) => it.replaceAll(name, String(place)), value);
    };
    const neutral: unknown = JSON.parse(await readFile(join(fixture, state), "utf8"));
    await product.writeFile("state.json", JSON.stringify(mapped(neutral, actual)));
    await product.succeed("stack", "import", "--file", "state.json", "--stack", product.stack);
    return product;
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Lets the server reach a package index through what this computer's network trusts. */
async function trust(manifest: string, certificates: string): Promise<void> {
  const line = manifestText({ ca_certificates: certificates }).replace(/end\n$/, "");
  const text = await readFile(manifest, "utf8");
  await writeFile(
    manifest,
    text.replace("ca_certificates=\n", () => line),
  );
}

/** A value in which every text and every number is replaced, also inside of secrets in clear. */
function mapped(value: unknown, replace: (it: string | number) => string | number): unknown {
  if (typeof value === "string" || typeof value === "number") return replace(value);
  if (Array.isArray(value)) return value.map((it) => mapped(it, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => {
      if (key === "plaintext") return [key, JSON.stringify(mapped(JSON.parse(String(it)), replace))];
      return [key, mapped(it, replace)];
    }),
  );
}

/** Where the program was on the computer that has made the state. */
function withoutPaths(exported: unknown): unknown {
  return JSON.parse(
    JSON.stringify(exported, (key, value: unknown) => (key.startsWith("sourcePosition") ? undefined : value)),
  );
}
