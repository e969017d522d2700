import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "./run.mjs";
import { places } from "./paths.mjs";

const site = "https://get.pulumi.com";
export const engineInstaller = `${site}/install.sh`;

/**
 * Whether Pulumi's download site can be reached. Asked at most once a day when the answer is no: where a firewall drops
 * packets each try costs five seconds. curl is used because it knows about proxies.
 *
 * @param {string} root
 */
export async function isOnline(root) {
  const note = places(root).offline;
  if (isFresh(note)) return false;
  const answer = await run("curl", ["--silent", "--fail", "--head", "--location", "--max-time", "5", engineInstaller], {
    output: "take",
  }).catch((error) => {
    if (error.code === "ENOENT") return { code: 1 }; // no curl
    throw error;
  });
  if (answer.code === 0) {
    rmSync(note, { force: true });
    return true;
  }
  mkdirSync(dirname(note), { recursive: true, mode: 0o700 });
  writeFileSync(
    note,
    "Pulumi's download site was out of reach at this file's time. Delete the file to try again now.\n",
  );
  return false;
}

const oneDay = 24 * 60 * 60 * 1000;

/**
 * @param {string} note
 * @param {number} [now]
 */
export function isFresh(note, now = Date.now()) {
  const time = statSync(note, { throwIfNoEntry: false })?.mtimeMs;
  return time !== undefined && now - time < oneDay;
}
