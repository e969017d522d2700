import type { AwsArchitecture } from "./platform";

/**
 * Architecture of an instance type by its name: `g` after the generation's number means Graviton (t4g, c7gn, x2gd; not
 * g4dn, whose first letter is the family). The preflight check finds exceptions.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function architectureOf(instanceType: string): AwsArchitecture {
  return /^(a1|[a-z]+\d+g[a-z]*)\./.test(instanceType) ? "arm64" : "x86_64";
}

/**
 * The key that signs Amazon's SSM agent until 2027-11-25, and where Amazon keeps it with those before: its documentation has
 * it as text only.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/verify-agent-signature.html
 */
export const ssmAgentKey = {
  fingerprint: "1C5B395CBE5E74E2F1CA21592784DBF388D19D46",
  keys: "https://raw.githubusercontent.com/aws/amazon-ecs-agent/master/scripts/amazon-ssm-agent.gpg",
};
