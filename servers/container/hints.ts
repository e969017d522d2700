import type { Hint } from "../hint";

/** Everything on a server depends on its identity, so replacing the server replaces all of it. */
function replaceServer(stack: string): string {
  return `npm run up -- ${stack} --replace '**command:local:Command::server'`;
}

export const containerHints: readonly Hint[] = [
  {
    pattern: /dial tcp (127\.0\.0\.1|\[::1\]):\d+: .*(refused|timeout|reset)/,
    hint: (stack) =>
      `The container does not respond.\nFix: run: npm start -- ${stack}\n` +
      `    If it is still broken, replace it with everything on it: ${replaceServer(stack)}`,
  },
  {
    pattern: /host key mismatch|knownhosts: key mismatch/,
    hint: (stack) =>
      "The container has another host key than the one it was created with. Nothing was sent to it.\n" +
      `Fix: find out what listens on its port. If its key was changed on purpose, replace it: ${replaceServer(stack)}`,
  },
  {
    pattern: /ssh: unable to authenticate/,
    hint: (stack) =>
      "The container rejected the login key.\n" +
      `Fix: replace the container with everything on it: ${replaceServer(stack)}`,
  },
  {
    pattern: /\blisten\b.*address already in use|port is already allocated/i,
    hint: () =>
      "A port of your computer is already in use.\n" +
      "Fix: run `ss -ltnp` to see which program uses it, or change server.httpPort or server.sshPort.",
  },
];
