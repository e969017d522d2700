import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { paths } from "../common/paths";
import { succeeds } from "../common/run";

/** Pulumi's download site. */
export const downloads = "https://get.pulumi.com";

/**
 * Whether Pulumi's download site can be reached. A negative answer is remembered for a day, because each attempt takes
 * five seconds behind a firewall that drops packets. curl is used because it supports proxies.
 */
export async function isOnline(root: string): Promise<boolean> {
  const marker = paths(root).offline;
  if (isFresh(marker)) return false;
  const args = ["--silent", "--fail", "--head", "--location", "--max-time", "5", `${downloads}/install.sh`];
  if (await succeeds("curl", args)) {
    rmSync(marker, { force: true });
    return true;
  }
  mkdirSync(dirname(marker), { recursive: true, mode: 0o700 });
  writeFileSync(marker, "Pulumi's download site was unreachable at the time of this file. Delete it to try again.\n");
  return false;
}

const oneDay = 24 * 60 * 60 * 1000;

export function isFresh(marker: string, now = Date.now()): boolean {
  const time = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
  return time !== undefined && now - time < oneDay;
}
