import { readFileSync } from "node:fs";
import { UserError } from "./errors.mjs";

/** @typedef {Record<string, string | undefined>} Env */

/**
 * The pull request that a workflow runs for, by the variables that GitHub gives to its steps.
 * @param {Env} env
 */
export function pullRequestOf({ GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_TOKEN }) {
  const event = GITHUB_EVENT_PATH ? JSON.parse(readFileSync(GITHUB_EVENT_PATH, "utf8")) : {};
  const number = event.pull_request?.number;
  if (!number || !GITHUB_REPOSITORY || !GITHUB_API_URL || !GITHUB_TOKEN) {
    throw new UserError(
      "--post needs a pull request: it is for a step of a workflow, with GITHUB_TOKEN in its environment.",
      "Without --post the comment is printed.",
    );
  }
  return { comments: `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues`, number, token: GITHUB_TOKEN };
}

/**
 * Where the run of a workflow shows its log; undefined elsewhere.
 * @param {Env} env
 */
export function runUrl({ GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }) {
  return GITHUB_RUN_ID && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}

/**
 * Writes a comment, over the one with the same mark if there is one.
 * @param {ReturnType<typeof pullRequestOf>} pullRequest
 * @param {string} mark
 * @param {string} body
 */
export async function postComment({ comments, number, token }, mark, body) {
  /** @param {string} url @param {string} method @param {object} [content] */
  const request = async (url, method, content) => {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json" },
      body: content && JSON.stringify(content),
      signal: AbortSignal.timeout(30_000),
    });
    if (response.ok) return response.json();
    throw new UserError(
      `GitHub refused the comment (${method} ${url}): ${response.status} ${(await response.text()).slice(0, 200)}`,
      "The workflow's job needs the permission 'pull-requests: write'.",
    );
  };
  for (let page = 1; ; page++) {
    const found = /** @type {{ id: number, body?: string }[]} */ (
      await request(`${comments}/${number}/comments?per_page=100&page=${page}`, "GET")
    );
    const own = found.find((comment) => comment.body?.startsWith(mark));
    if (own) return request(`${comments}/comments/${own.id}`, "PATCH", { body });
    if (found.length < 100) return request(`${comments}/${number}/comments`, "POST", { body });
  }
}
