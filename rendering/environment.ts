import type { Variables } from "../settings/environment";

/** Variables as the text of an environment file (systemd.exec(5)). */
export function variableLines(variables: Variables): string {
  // In double quotes a backslash, a quote, a dollar and a backtick are escaped, for systemd as for the shell.
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`);
  return lines.join("");
}
