import ipaddr from "ipaddr.js";
import { platforms, type Platform } from "../../platforms";
import { architectureOf } from "../../platforms/ec2";
import type { Apps } from "../../settings/apps";
import type { Mistake } from "../../settings/mistake";
import type { CheckInputs } from "../kind";
import type { AwsSettings } from "./schema";

/** A network with a shorter prefix counts as the whole internet, and so do its two halves. */
const shortestPrefix = { ipv4: 8, ipv6: 16 };

export function awsChecks(server: AwsSettings, { apps }: CheckInputs): Mistake[] {
  return [
    ...server.sshCidrs.flatMap((cidr, index) => [
      ...networkChecks("sshCidrs", index, cidr),
      ...(server.sshFromAnywhere ? [] : sizeChecks(index, cidr)),
    ]),
    ...server.webCidrs.flatMap((cidr, index) => networkChecks("webCidrs", index, cidr)),
    ...keyChecks(server),
    ...platformChecks(server),
    ...domainChecks(server, apps),
  ];
}

function networkChecks(key: "sshCidrs" | "webCidrs", index: number, cidr: string): Mistake[] {
  const { network } = parse(cidr);
  if (network === cidr) return [];
  const text = "is the address of a server with the prefix of its network.";
  return [{ path: ["server", key, index], value: cidr, text, fix: `set it to the network, ${network}.` }];
}

function sizeChecks(index: number, cidr: string): Mistake[] {
  const { network, prefix, family } = parse(cidr);
  if (network !== cidr || prefix >= shortestPrefix[family]) return [];
  const text = "allows login attempts from the whole internet.";
  const fix = "list your own networks, or set server.sshFromAnywhere to true.";
  return [{ path: ["server", "sshCidrs", index], value: cidr, text, fix }];
}

function keyChecks({ privateKey, publicKey }: AwsSettings): Mistake[] {
  if (privateKey === undefined || publicKey === undefined) return [];
  const text = "is set, and so is server.privateKey, which contains it.";
  return [{ path: ["server", "publicKey"], value: publicKey, text, fix: "remove one of them." }];
}

/** What only an official image of the platform brings. */
function platformChecks(server: AwsSettings): Mistake[] {
  const { title, aws }: Platform = platforms[server.platform];
  const architecture = architectureOf(server.instanceType);
  const mistakes: Mistake[] = [];
  if (server.amiId === undefined && aws?.names[architecture] === undefined) {
    mistakes.push({
      path: ["server", "amiId"],
      text: `required, but not set: ${title} has no official image for ${architecture} (${server.instanceType}).`,
      fix: "set it to the id of an image, or choose another server.instanceType.",
    });
  }
  if (server.user === undefined && aws === undefined) {
    mistakes.push({
      path: ["server", "user"],
      text: `required on ${title}, but not set.`,
      fix: "set it to the user that the image's cloud-init creates.",
    });
  }
  if (server.ssmAccess && aws === undefined) {
    const text = `is not available on ${title}.`;
    mistakes.push({ path: ["server", "ssmAccess"], value: true, text, fix: "set it to false." });
  }
  return mistakes;
}

function domainChecks({ dnsZone }: AwsSettings, apps: Apps): Mistake[] {
  if (dnsZone === undefined) return [];
  return apps.flatMap(([name, { domains }]) =>
    domains.flatMap((domain, index) => {
      if (`.${domain}`.endsWith(`.${dnsZone}`)) return [];
      const text = `is not in the zone ${dnsZone} (server.dnsZone).`;
      const fix = `choose a domain in the zone, or remove server.dnsZone and manage DNS yourself.`;
      return [{ path: ["apps", name, "domains", index], value: domain, text, fix }];
    }),
  );
}

/** @param cidr as the schema accepts it */
function parse(cidr: string): { network: string; prefix: number; family: "ipv4" | "ipv6" } {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const family = address.kind();
  const type = family === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
  return { network: `${type.networkAddressFromCIDR(cidr).toString()}/${prefix}`, prefix, family };
}
