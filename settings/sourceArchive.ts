import AdmZip from "adm-zip";
import { constants, kMaxLength } from "node:buffer";
import * as fs from "node:fs";
import { gunzipSync } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import type { Entry, SourceTree, Target } from "./sourceTree";

/** An archive that is no archive, or no safe one. */
export class BadArchive extends Error {
  override readonly name = "BadArchive";

  /** @param fix what to do with the setting `source`, if it is not to name another place */
  constructor(
    message: string,
    readonly fix = "set it to a folder, or to a .tar.gz or .zip archive of one.",
  ) {
    super(message);
  }
}

const smaller = "set apps.APP.maxSourceSize to more, or leave out of the archive what is not code.";

interface Node {
  entry: Entry;
  /** Of a file, and the target of a link. */
  read: () => Buffer;
}

/** Names that other systems add to archives. */
const foreign = /^(__MACOSX|pax_global_header)(\/|$)/;

export interface SourceArchive {
  tree: SourceTree;
  /** What makes it unsafe, by name, and why. */
  problems: string[];
}

/**
 * Reads an archive: a .tar.gz or a .zip, whatever its name is. A folder that holds everything is taken off, as archives of
 * GitHub and PyPI have one.
 * @param limit bytes that may be read
 * @throws BadArchive
 */
export function archiveTree(file: string, limit: number): SourceArchive {
  if (fs.statSync(file).size > limit) throw new BadArchive("is larger than maxSourceSize allows.", smaller);
  const bytes = fs.readFileSync(file);
  const nodes = new Nodes();
  if (isGzip(bytes)) readTar(unzipped(bytes, limit), nodes);
  else if (["504b0304", "504b0506"].includes(bytes.toString("hex", 0, 4))) readZip(bytes, nodes);
  else throw new BadArchive("is neither a folder nor an archive (.tar.gz, .tgz, .zip).");
  return nodes.finish();
}

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Headers and left out files need room too. */
const tarLimit = (limit: number) => Math.min(2 * limit + 64 * 1024 * 1024, kMaxLength, constants.MAX_LENGTH);

function unzipped(bytes: Buffer, limit: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: tarLimit(limit) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new BadArchive("unpacks to far more than maxSourceSize allows.", smaller);
    }
    throw broken(error);
  }
}

const broken = (error: unknown) => new BadArchive(`is a broken archive: ${(error as Error).message}.`);

const kinds: Readonly<Record<string, string>> = {
  CharacterDevice: "a device",
  BlockDevice: "a device",
  FIFO: "a named pipe",
};

function readTar(bytes: Buffer, nodes: Nodes): void {
  const links: [name: string, target: string][] = [];
  const add = (it: ReadEntry) => {
    const { path: name, type } = it;
    const pieces: Buffer[] = [];
    const read = () => Buffer.concat(pieces);
    it.on("data", (piece: Buffer) => pieces.push(piece));
    if (["File", "OldFile", "ContiguousFile"].includes(type)) {
      nodes.add(name, { entry: { type: "file", size: it.size, isExecutable: ((it.mode ?? 0) & 0o111) !== 0 }, read });
    } else if (type === "Directory") nodes.add(name, { entry: { type: "folder" }, read });
    else if (type === "SymbolicLink") {
      const target = Buffer.from(it.linkpath ?? "");
      nodes.add(name, { entry: { type: "link" }, read: () => target });
    } else if (type === "Link") links.push([name, it.linkpath ?? ""]);
    else nodes.problem(name, kinds[type] ?? `an entry of the type ${type}`);
    it.resume();
  };
  const parser = new Parser({ strict: true, gzip: true, onReadEntry: add });
  // What it does not know, such as sparse files.
  parser.on("ignoredEntry", (it: ReadEntry) => {
    nodes.problem(it.path, `an entry of the type ${it.type}`);
  });
  let failure: unknown;
  parser.on("error", (error: unknown) => (failure ??= error));
  // The parser would unpack it, however large it gets.
  if (isGzip(bytes)) throw new BadArchive("is a broken archive: it is compressed twice.");
  parser.end(bytes);
  if (failure !== undefined) throw broken(failure);
  for (const [name, target] of links) nodes.addSame(name, target);
}

function readZip(bytes: Buffer, nodes: Nodes): void {
  try {
    for (const it of new AdmZip(bytes).getEntries()) {
      const { size, flags, made, attr } = it.header;
      // Of systems that have such modes: Unix and macOS.
      const mode = [3, 19].includes(made >>> 8) ? attr >>> 16 : 0;
      const format = mode & 0o170000;
      let content: Buffer | undefined;
      const read = () => (content ??= unpacked(it));
      if ((flags & 1) !== 0) nodes.problem(it.entryName, "encrypted");
      else if (it.isDirectory) nodes.add(it.entryName, { entry: { type: "folder" }, read });
      else if (format === 0o120000) nodes.add(it.entryName, { entry: { type: "link" }, read });
      else if (format === 0 || format === 0o100000)
        nodes.add(it.entryName, { entry: { type: "file", size, isExecutable: (mode & 0o111) !== 0 }, read });
      else nodes.problem(it.entryName, format === 0o010000 ? "a named pipe" : "a device");
    }
  } catch (error) {
    throw broken(error);
  }
}

/** Never more than the archive says that it is. */
function unpacked(it: AdmZip.IZipEntry): Buffer {
  let content: Buffer;
  try {
    content = it.getData();
  } catch (error) {
    throw broken(error);
  }
  if (content.length !== it.header.size) throw new BadArchive(`is a broken archive: "${it.entryName}" is not whole.`);
  return content;
}

/** How many links may be on the way to a file, as in Linux. */
const mostLinks = 40;

/** What is in an archive, by normal names. */
class Nodes {
  private nodes = new Map<string, Node>();
  private readonly problems: string[] = [];

  problem(name: string, why: string): void {
    if (!foreign.test(name)) this.problems.push(`${JSON.stringify(name)} (${why})`);
  }

  add(name: string, node: Node): void {
    const normal = this.normal(name);
    if (normal === undefined || foreign.test(normal)) return;
    const before = this.nodes.get(normal);
    if (before?.entry.type === "folder" && node.entry.type === "folder") return;
    if (before === undefined && normal !== "") this.nodes.set(normal, node);
    else if (node.entry.type !== "folder") this.problem(name, "there twice");
  }

  /** A hard link. */
  addSame(name: string, target: string): void {
    const node = this.nodes.get(this.normal(target) ?? "");
    if (node?.entry.type === "file") this.add(name, node);
    else this.problem(name, `a hard link to ${target}, which is no file of the archive`);
  }

  private normal(name: string): string | undefined {
    const parts = name.split("/");
    if (name.startsWith("/")) this.problem(name, "an absolute name");
    else if (parts.includes("..")) this.problem(name, "a name that leads out of the archive");
    else if (/[\0\ufffd]/.test(name)) this.problem(name, "a name that is not UTF-8");
    else return parts.filter((part) => part !== "" && part !== ".").join("/");
    return undefined;
  }

  finish(): SourceArchive {
    for (const name of [...this.nodes.keys()]) this.addFolders(name);
    const top = this.onlyFolder();
    if (top !== undefined) {
      const inside = [...this.nodes].filter(([name]) => name !== top);
      this.nodes = new Map(inside.map(([name, node]) => [name.slice(top.length + 1), node]));
    }
    return { tree: this.tree(), problems: this.problems };
  }

  /** Those that have no entry of their own. */
  private addFolders(name: string): void {
    const folder = parentOf(name);
    if (folder === "") return;
    const node = this.nodes.get(folder);
    if (node === undefined) this.nodes.set(folder, { entry: { type: "folder" }, read: () => Buffer.alloc(0) });
    else if (node.entry.type !== "folder") this.problem(name, "in what is not a folder");
    this.addFolders(folder);
  }

  private onlyFolder(): string | undefined {
    const [top, ...others] = [...this.nodes.keys()].filter((name) => !name.includes("/"));
    return top !== undefined && others.length === 0 && this.nodes.get(top)?.entry.type === "folder" ? top : undefined;
  }

  private tree(): SourceTree {
    const lists = new Map<string, string[]>([["", []]]);
    for (const [name, { entry }] of this.nodes) if (entry.type === "folder") lists.set(name, []);
    for (const name of this.nodes.keys()) lists.get(parentOf(name))?.push(name.slice(name.lastIndexOf("/") + 1));
    return {
      list: (folder) => lists.get(folder) ?? [],
      entry: (name) => this.node(name).entry,
      requireReadable: () => true,
      target: (link) => this.follow(link),
      read: (file) => [this.node(file).read()],
    };
  }

  private node(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`The archive has no ${name}.`);
    return node;
  }

  private follow(link: string): Target {
    const rest = link.split("/");
    const at: string[] = [];
    for (let links = 0; ;) {
      const part = rest.shift();
      if (part === undefined) return { name: at.join("/") };
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (at.pop() === undefined) return { outside: this.node(link).read().toString() };
        continue;
      }
      at.push(part);
      const node = this.nodes.get(at.join("/"));
      if (node === undefined || (rest.length > 0 && node.entry.type === "file")) return undefined;
      if (node.entry.type !== "link") continue;
      const target = node.read().toString();
      if (target.startsWith("/")) return { outside: target };
      if (target === "" || ++links > mostLinks) return undefined;
      at.pop();
      rest.unshift(...target.split("/"));
    }
  }
}

const parentOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf("/")));
