// Copies a file, a text or a folder to a server over SFTP, as command:remote:CopyToRemote 1.2.1 does.
import { open, readdir, stat as statLocal } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import type { SFTPWrapper, Stats } from "ssh2";
import type { Operation } from "../protocol/provider";
import { connect, type Connection } from "./connection";
import { errorCode, messageOf, quote, systemReason } from "./goText";

export type Source = { readonly path: string } | { readonly text: string };

export async function copyToRemote(operation: Operation, connection: Connection, source: Source, remotePath: string) {
  const client = await connect(operation, connection);
  try {
    const sftp = await call<SFTPWrapper>((done) => client.sftp(done)).catch(() => {
      throw new Error("ssh: subsystem request failed");
    });
    if ("text" in source) await copyText(sftp, source.text, remotePath);
    else await copyPath(sftp, source.path, remotePath);
  } finally {
    client.end();
  }
}

async function copyText(sftp: SFTPWrapper, text: string, target: string): Promise<void> {
  if ((await statRemote(sftp, target))?.isDirectory())
    throw new Error(`remote path ${target} is a directory; when using a text asset, remotePath must be a file path`);
  await makeParents(sftp, target);
  const handle = await createRemote(sftp, target);
  await write(sftp, handle, Buffer.from(text), 0).catch(fail(`failed to write text content to remote path ${target}`));
  await closeRemote(sftp, handle);
}

/**
 * A file is copied to the target, or into it if it is a directory. A directory is copied into the target; if its own path
 * ends with a slash, only its content is. Whatever is missing of the target is created.
 */
async function copyPath(sftp: SFTPWrapper, source: string, target: string): Promise<void> {
  const info = await statLocal(source).catch(failLocally(`open ${source}`));
  const there = await statRemote(sftp, target);
  const inside = posix.join(target, basename(source));
  if (info.isDirectory()) {
    if (!there) await makeDirectories(sftp, target).catch(fail(`failed to create remote directory ${target}`));
    await copyDirectory(sftp, source, source.endsWith("/") ? target : inside);
  } else {
    if (!there) await makeParents(sftp, target);
    await copyFile(sftp, source, there?.isDirectory() ? inside : target);
  }
}

/** @param below the part of the source to copy */
async function copyDirectory(sftp: SFTPWrapper, source: string, target: string, below = "."): Promise<void> {
  const remote = posix.join(target, below);
  const there = await statRemote(sftp, remote);
  if (!there) await makeDirectory(sftp, remote).catch(fail(`failed to create remote directory ${remote}`));
  else if (!there.isDirectory()) throw new Error(`remote path ${remote} exists but is not a directory`);
  const entries = await readdir(join(source, below), { withFileTypes: true }).catch(failLocally(`open ${below}`));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name);
    // A link to a directory is no directory here, and is then not copied but refused.
    if (entry.isDirectory()) await copyDirectory(sftp, source, target, path);
    else await copyFile(sftp, join(source, path), posix.join(target, path));
  }
}

async function copyFile(sftp: SFTPWrapper, source: string, target: string): Promise<void> {
  const file = await open(source).catch(failLocally(`open ${source}`));
  try {
    const handle = await createRemote(sftp, target);
    const failed = `failed to copy file ${source} to remote path ${target}`;
    const buffer = Buffer.alloc(writesAtOnce * writeSize);
    for (let position = 0; ;) {
      const { bytesRead } = await file
        .read(buffer, 0, buffer.length, position)
        .catch(failLocally(`${failed}: read ${source}`));
      if (bytesRead === 0) break;
      await write(sftp, handle, buffer.subarray(0, bytesRead), position).catch(fail(failed));
      position += bytesRead;
    }
    await closeRemote(sftp, handle);
  } finally {
    await file.close();
  }
}

/** An existing file keeps its owner and mode; those of a new one are up to the server. */
function createRemote(sftp: SFTPWrapper, path: string): Promise<Buffer> {
  return call<Buffer>((done) => sftp.open(path, "w+", done)).catch(fail(`failed to create remote file ${path}`));
}

async function closeRemote(sftp: SFTPWrapper, handle: Buffer): Promise<void> {
  await call((done) => sftp.close(handle, done));
}

/** Servers need not take more than 32 KiB in one packet (https://www.openssh.com/txt/draft-ietf-secsh-filexfer-02.txt). */
const writeSize = 32 * 1024;
const writesAtOnce = 64;

/** Sends all parts without waiting for the answer to each, for a slow network's sake. */
async function write(sftp: SFTPWrapper, handle: Buffer, content: Buffer, position: number): Promise<void> {
  const parts = Array.from({ length: Math.ceil(content.length / writeSize) }, (_, part) => part * writeSize);
  await Promise.all(
    parts.map((start) => {
      const length = Math.min(writeSize, content.length - start);
      return call((done) => sftp.write(handle, content, start, length, position + start, done));
    }),
  );
}

async function makeParents(sftp: SFTPWrapper, path: string): Promise<void> {
  await makeDirectories(sftp, directoryOf(path)).catch(fail(`failed to create parent directories for ${path}`));
}

async function makeDirectories(sftp: SFTPWrapper, path: string): Promise<void> {
  const there = await stat(sftp, path).catch(() => undefined);
  if (there?.isDirectory()) return;
  if (there) throw new Error(`mkdir ${path}: not a directory`);
  const parent = path.replace(/[^/]*\/*$/, "").replace(/\/$/, "");
  if (parent !== "") await makeDirectories(sftp, parent);
  await makeDirectory(sftp, path).catch(async (error: unknown) => {
    // Another resource may have created it meanwhile.
    if (!(await stat(sftp, path).catch(() => undefined))?.isDirectory()) throw error;
  });
}

async function makeDirectory(sftp: SFTPWrapper, path: string): Promise<void> {
  await call((done) => sftp.mkdir(path, done));
}

/** As Go's filepath.Dir: unlike Node's, it takes what ends with a slash for a directory ("a/b/" is in "a/b"). */
function directoryOf(path: string): string {
  const directory = posix.normalize(path.replace(/[^/]*$/, ""));
  return directory.length > 1 ? directory.replace(/\/$/, "") : directory;
}

async function statRemote(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return stat(sftp, path).catch(fail(`failed to stat remote path ${path}`));
}

/** Undefined if there is nothing. */
async function stat(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return call<Stats>((done) => sftp.stat(path, done)).catch((error: unknown) => {
    if (errorCode(error) === noSuchFile) return undefined;
    throw error;
  });
}

const noSuchFile = "2";
const statusNames = ["OK", "EOF", "NO_SUCH_FILE", "PERMISSION_DENIED", "FAILURE", "BAD_MESSAGE"];

/** What to do with an error: prefix it, in the words of Go's SFTP library. */
function fail(what: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${what}: ${reasonOf(error)}`, { cause: error });
  };
}

/** The same for a file on this computer. */
function failLocally(what: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${what}: ${systemReason(error)}`, { cause: error });
  };
}

function reasonOf(error: unknown): string {
  const code = errorCode(error);
  if (code === noSuchFile) return "file does not exist";
  if (code === "3") return "permission denied";
  const name = /^\d+$/.test(code) ? statusNames[Number(code)] : undefined;
  return name ? `sftp: ${quote(messageOf(error))} (SSH_FX_${name})` : systemReason(error);
}

type Done<Result> = (error: Error | null | undefined, result: Result) => void;

function call<Result = void>(start: (done: Done<Result>) => unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
