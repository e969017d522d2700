import * as pulumi from "@pulumi/pulumi";

/** Tags of everything that the stack has on AWS. The policies in docs/iam only allow changes of what has this `Project`. */
export function stackTags(): Record<string, string> {
  return { Project: pulumi.getProject(), Stack: pulumi.getStack() };
}
