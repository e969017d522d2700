import { readFileSync } from "node:fs";
import { UserError } from "../common/errors";
import type { Env } from "../common/paths";

interface PullRequest {
  /** URL of the repository's comments. */
  readonly comments: string;
  readonly number: number;
  readonly token: string;
}

/** The pull request that a workflow runs for, by the variables that GitHub sets for its steps. */
export function pullRequestOf({
  GITHUB_EVENT_PATH,
  GITHUB_REPOSITORY,
  GITHUB_API_URL,
  GITHUB_TOKEN,
}: Env): PullRequest {
  const text = GITHUB_EVENT_PATH ? readFileSync(GITHUB_EVENT_PATH, "utf8") : "{}";
  const number = (JSON.parse(text) as { pull_request?: { number?: number } }).pull_request?.number;
  if (!number || !GITHUB_REPOSITORY || !GITHUB_API_URL || !GITHUB_TOKEN) {
    throw new UserError(
      "The flag --post needs the pull request of a GitHub workflow and GITHUB_TOKEN in the environment. Nothing was changed.",
      "leave --post out to print the comment.",
    );
  }
  return { comments: `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues`, number, token: GITHUB_TOKEN };
}

/** Where GitHub shows the log of this workflow run. */
export function runUrl({ GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }: Env): string | undefined {
  return GITHUB_RUN_ID && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}

interface Comment {
  readonly id: number;
  readonly body?: string;
  readonly user?: { readonly login: string; readonly type: string } | null;
}

/**
 * Whether a workflow's token has written it. Other comments are left alone, because their authors could change the preview
 * in them later. A user's name cannot contain brackets.
 */
function isOwn({ user }: Comment): boolean {
  return user?.type === "Bot" && user.login === "github-actions[bot]";
}

/** Creates the comment that starts with `marker`, or replaces its text. */
export async function postComment(pullRequest: PullRequest, marker: string, body: string): Promise<unknown> {
  const { comments, number } = pullRequest;
  for (let page = 1; ; page++) {
    const url = `${comments}/${number}/comments?per_page=100&page=${page}`;
    const found = (await request(pullRequest, "GET", url)) as Comment[];
    const own = found.find((comment) => isOwn(comment) && comment.body?.startsWith(marker));
    if (own) return request(pullRequest, "PATCH", `${comments}/comments/${own.id}`, { body });
    if (found.length < 100) return request(pullRequest, "POST", `${comments}/${number}/comments`, { body });
  }
}

async function request({ token }: PullRequest, method: string, url: string, content?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json" },
    body: content && JSON.stringify(content),
    signal: AbortSignal.timeout(30_000),
  });
  if (response.ok) return response.json();
  throw new UserError(
    `GitHub rejected the comment (${method} ${url}): ${response.status} ${(await response.text()).slice(0, 200)}.`,
    "give the workflow's job the permission 'pull-requests: write'.",
  );
}
