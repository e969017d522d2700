// Copies a file, a text or a directory to a host over SFTP, as command:remote:CopyToRemote does.
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { posix } from "node:path";
import { errorCode, systemReason } from "./goText.mjs";
import { dial } from "./ssh.mjs";

/** @typedef {import("ssh2").SFTPWrapper} Sftp */
/** @typedef {{ path: string } | { text: string }} Source */

/**
 * @param {import("./providerServer.mjs").Operation} operation
 * @param {import("./ssh.mjs").Connection} connection
 * @param {Source} source
 * @param {string} remotePath
 */
export async function copyToRemote(operation, connection, source, remotePath) {
  const client = await dial(operation, connection);
  try {
    const sftp = await promise((/** @type {Callback<Sftp>} */ done) => client.sftp(done));
    if ("text" in source) await copyText(sftp, source.text, remotePath);
    else await copyPath(sftp, source.path, remotePath);
  } finally {
    client.end();
  }
}

/** @param {Sftp} sftp @param {string} text @param {string} target */
async function copyText(sftp, text, target) {
  if ((await remoteStat(sftp, target))?.isDirectory())
    throw new Error(`remote path ${target} is a directory; when using a text asset, remotePath must be a file path`);
  const handle = await promise((/** @type {Callback<Buffer>} */ done) => sftp.open(target, "w", done)).catch(
    fail(`failed to create remote file ${target}`),
  );
  const content = Buffer.from(text);
  if (content.length > 0)
    await promise((/** @type {Callback<void>} */ done) =>
      sftp.write(handle, content, 0, content.length, 0, done),
    ).catch(fail(`failed to write text content to remote path ${target}`));
  await promise((/** @type {Callback<void>} */ done) => sftp.close(handle, done));
}

/**
 * A file goes to the target, or into it when that is a directory. A directory goes into the target, or, when its own
 * path ends with a slash, its content does.
 * @param {Sftp} sftp @param {string} source @param {string} target
 */
async function copyPath(sftp, source, target) {
  const info = await stat(source).catch((error) => {
    throw new Error(`open ${source}: ${systemReason(error)}`);
  });
  const there = await remoteStat(sftp, target);
  if (!info.isDirectory()) {
    return copyFile(sftp, source, there?.isDirectory() ? posix.join(target, basename(source)) : target);
  }
  if (!there) await makeDirectory(sftp, target);
  const inside = source.endsWith("/") ? target : posix.join(target, basename(source));
  return copyDirectory(sftp, source, inside);
}

/** @param {Sftp} sftp @param {string} source @param {string} target @returns {Promise<void>} */
async function copyDirectory(sftp, source, target) {
  const there = await remoteStat(sftp, target);
  if (!there) await makeDirectory(sftp, target);
  else if (!there.isDirectory()) throw new Error(`remote path ${target} exists but is not a directory`);
  for (const entry of (await readdir(source, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const [from, to] = [join(source, entry.name), posix.join(target, entry.name)];
    await (entry.isDirectory() ? copyDirectory(sftp, from, to) : copyFile(sftp, from, to));
  }
}

/** @param {Sftp} sftp @param {string} source @param {string} target */
async function copyFile(sftp, source, target) {
  await promise((/** @type {Callback<void>} */ done) => sftp.fastPut(source, target, done)).catch(
    fail(`failed to create remote file ${target}`),
  );
}

/** @param {Sftp} sftp @param {string} path */
async function makeDirectory(sftp, path) {
  await promise((/** @type {Callback<void>} */ done) => sftp.mkdir(path, done)).catch(
    fail(`failed to create remote directory ${path}`),
  );
}

const noSuchFile = 2;
/** @type {Record<string, string>} */
const reasons = { 2: "file does not exist", 3: "permission denied", 4: 'sftp: "Failure" (SSH_FX_FAILURE)' };

/** @param {Sftp} sftp @param {string} path @returns {Promise<import("ssh2").Stats | undefined>} */
async function remoteStat(sftp, path) {
  try {
    return await promise((/** @type {Callback<import("ssh2").Stats>} */ done) => sftp.stat(path, done));
  } catch (error) {
    if (errorCode(error) === String(noSuchFile)) return undefined;
    return fail(`failed to stat remote path ${path}`)(error);
  }
}

/** @param {string} what @returns {(error: unknown) => never} */
function fail(what) {
  return (error) => {
    throw new Error(`${what}: ${reasons[errorCode(error)] ?? systemReason(error)}`);
  };
}

/**
 * @template Result
 * @typedef {(error: Error | null | undefined, result: Result) => void} Callback
 */

/** @template Result @param {(done: Callback<Result>) => unknown} call @returns {Promise<Result>} */
function promise(call) {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)));
  });
}
