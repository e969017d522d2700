import type { Hint } from "../../servers/hint";

/**
 * What to do about errors of the engine, its plugins and nginx that any kind of server can have. Those of one kind are in
 * servers/; the project's own scripts say themselves what to do.
 */
const generalHints: readonly Hint[] = [
  {
    pattern: /dial unix .*: connect: /,
    hint: () =>
      "No ssh-agent answers at the socket that SSH_AUTH_SOCK names.\n" +
      "Fix: start the ssh-agent, or run: unset SSH_AUTH_SOCK",
  },
  {
    pattern: /bind\(\) to \S+ failed \(98/,
    hint: () =>
      "A port of the server is in use by another program.\nFix: free it: `ss -ltnp` on the server shows the program.",
  },
  {
    pattern: /no space left on device|ENOSPC|disk quota exceeded/i,
    hint: () =>
      "A disk is full, on your computer or on the server.\nFix: free disk space: `df -h` shows which disk is full.",
  },
  {
    pattern: /invalid YAML file/,
    hint: (stack) => `The settings are not valid YAML.\nFix: correct the named line of Pulumi.${stack}.yaml.`,
  },
];

/** The hints for the errors that the engine has reported. */
export function hints(reported: string, stack: string, ofKind: readonly Hint[]): string[] {
  return [...ofKind, ...generalHints].filter(({ pattern }) => pattern.test(reported)).map(({ hint }) => hint(stack));
}
