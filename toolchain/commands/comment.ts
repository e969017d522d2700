import { UserError } from "../common/errors";
import { marker, renderComment } from "../github/comment";
import { postComment, pullRequestOf, runUrl } from "../github/pullRequest";
import { openStack, prepareStack } from "./prepare";

export async function comment(root: string, name: string, flags: readonly string[], post: boolean): Promise<void> {
  const pullRequest = post ? pullRequestOf(process.env) : undefined;
  const stack = await openStack(root, name);
  await prepareStack(stack);
  const { code, stdout, stderr } = await stack.previewText(flags);
  const text = renderComment({ stack: name, failed: code !== 0, stdout, stderr, runUrl: runUrl(process.env) });
  process.stdout.write(pullRequest ? `${stdout}\n` : text);
  if (pullRequest) await postComment(pullRequest, marker(name), text);
  if (code === 0) return;
  process.stderr.write(stderr);
  throw new UserError(
    `The preview of stack ${name} failed (exit code ${code}). Nothing was changed.`,
    "correct the cause shown above and run the same command again.",
    code,
  );
}
