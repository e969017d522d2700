import * as ec2 from "@pulumi/aws/ec2";
import type * as pulumi from "@pulumi/pulumi";
import type { AwsArchitecture, Platform } from "../../platforms";

/** Options of every resource and look-up on AWS. */
export interface AwsOptions {
  parent: pulumi.Resource;
  provider: pulumi.ProviderResource;
}

/** The instance that the settings ask for. */
export interface InstanceRequest {
  platform: Platform;
  region: string;
  instanceType: string;
  architecture: AwsArchitecture;
  /** The user's own image. */
  amiId?: string;
  subnetId?: string;
  dnsZone?: string;
}

/** In place of an image where none was found: an existing server keeps its own and does not need one. */
export const noImage = "none-found";

/** The image of a new server: the user's own, or the platform's newest official one. */
export function imageOf(request: InstanceRequest, aws: AwsOptions): pulumi.Input<string> {
  if (request.amiId !== undefined) return request.amiId;
  const { owner, name } = officialImage(request);
  return ec2
    .getAmiIdsOutput(
      { owners: [owner], filters: [{ name: "name", values: [name] }], includeDeprecated: true, sortAscending: false },
      aws,
    )
    .ids.apply(([newest]) => newest ?? noImage);
}

export function officialImage({ platform, architecture }: InstanceRequest): { owner: string; name: string } {
  const name = platform.aws?.names[architecture];
  if (!platform.aws || !name) throw new Error(`${platform.title} has no official image for ${architecture} on AWS.`);
  return { owner: platform.aws.owner, name };
}
