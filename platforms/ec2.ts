import type { AwsArchitecture } from "./platform";

/**
 * Architecture of an instance type by its name: `g` after the generation's number means Graviton (t4g, c7gn, x2gd; not
 * g4dn, whose first letter is the family). AWS is asked before a server is made, so a name that breaks the rule is told.
 */
export function architectureOf(instanceType: string): AwsArchitecture {
  return /^(a1|[a-z]+\d+g[a-z]*)\./.test(instanceType) ? "arm64" : "x86_64";
}
