import type { AwsArchitecture } from "./platform";

/**
 * Architecture of an instance type by its name: `g` after the generation's number means Graviton (t4g, c7gn, x2gd; not
 * g4dn, whose first letter is the family). The preflight check finds exceptions.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function architectureOf(instanceType: string): AwsArchitecture {
  return /^(a1|[a-z]+\d+g[a-z]*)\./.test(instanceType) ? "arm64" : "x86_64";
}
