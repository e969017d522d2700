import * as ec2 from "@pulumi/aws/ec2";
import * as route53 from "@pulumi/aws/route53";
import type * as pulumi from "@pulumi/pulumi";
import { httpPort } from "../../rendering/app";
import type { AwsOptions } from "./image";

const ports = { ssh: 22, http: httpPort, https: 443 };

interface Protected {
  terminationProtection: boolean;
}

export interface FirewallArgs extends Protected {
  sshCidrs: readonly string[];
  webCidrs: readonly string[];
  tags: Record<string, string>;
}

export function createFirewall(
  name: string,
  { sshCidrs, webCidrs, tags, terminationProtection }: FirewallArgs,
  subnet: pulumi.Output<ec2.GetSubnetResult> | undefined,
  aws: AwsOptions,
): ec2.SecurityGroup {
  return new ec2.SecurityGroup(
    `${name}-firewall`,
    {
      // AWS cannot change a description: another text would replace the group.
      description: "SSH and web of the server",
      vpcId: subnet?.vpcId,
      ingress: [...ingress(ports.ssh, sshCidrs), ...ingress(ports.http, webCidrs), ...ingress(ports.https, webCidrs)],
      // Package mirrors and the services that the apps use are not known here.
      egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] }],
      tags,
    },
    { ...aws, protect: terminationProtection },
  );
}

function ingress(port: number, cidrs: readonly string[]) {
  if (cidrs.length === 0) return [];
  const [ipv4, ipv6] = [cidrs.filter((cidr) => !cidr.includes(":")), cidrs.filter((cidr) => cidr.includes(":"))];
  // AWS rejects empty lists.
  return [
    {
      protocol: "tcp",
      fromPort: port,
      toPort: port,
      ...(ipv4.length > 0 ? { cidrBlocks: ipv4 } : {}),
      ...(ipv6.length > 0 ? { ipv6CidrBlocks: ipv6 } : {}),
    },
  ];
}

/** An address that stays the same when the server stops or is replaced. */
export function createAddress(
  name: string,
  { instance, tags, terminationProtection }: Protected & { instance: ec2.Instance; tags: Record<string, string> },
  aws: AwsOptions,
): ec2.Eip {
  return new ec2.Eip(
    `${name}-address`,
    { domain: "vpc", instance: instance.id, tags },
    { ...aws, protect: terminationProtection },
  );
}

export function createDnsRecords(
  name: string,
  { dnsZone, domains, address }: { dnsZone?: string; domains: readonly string[]; address: ec2.Eip },
  aws: AwsOptions,
): void {
  if (dnsZone === undefined) return;
  const zone = route53.getZoneOutput({ name: dnsZone }, aws);
  for (const domain of new Set(domains)) {
    new route53.Record(
      `${name}-dns-${domain}`,
      { zoneId: zone.zoneId, name: domain, type: "A", ttl: 300, records: [address.publicIp] },
      aws,
    );
  }
}
