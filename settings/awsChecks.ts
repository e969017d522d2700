import ipaddr from "ipaddr.js";
import { platforms, type Platform } from "../platforms";
import { architectureOf } from "../platforms/ec2";
import type { Mistake } from "./load";
import type { AppSettings, Settings } from "./schema";

type AwsSettings = Settings["host"] & { kind: "aws" };

/** A network with a shorter prefix counts as the whole world, so that two halves of it do too. */
const narrowestWorld = { ipv4: 8, ipv6: 16 };

/** What no single setting of a server on AWS shows. */
export function awsChecks(host: AwsSettings, apps: readonly [string, AppSettings][]): Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong = (path: readonly PropertyKey[], value: unknown, text: string) => mistakes.push({ path, value, text });

  for (const key of ["sshCidrs", "webCidrs"] as const) {
    for (const [index, cidr] of host[key].entries()) {
      const { network, prefix, kind } = parse(cidr);
      if (network !== cidr) wrong(["host", key, index], cidr, `names a host in a network: do you mean ${network}?`);
      else if (key === "sshCidrs" && prefix < narrowestWorld[kind] && !host.sshFromAnywhere) {
        wrong(
          ["host", key, index],
          cidr,
          "lets the whole world try to log in: name your own networks, or set host.sshFromAnywhere to true",
        );
      }
    }
  }
  if (host.privateKey !== undefined && host.publicKey !== undefined) {
    wrong(["host", "publicKey"], host.publicKey, "is given as well as privateKey, which holds it: remove one of them");
  }
  const platform: Platform = platforms[host.platform];
  const architecture = architectureOf(host.instanceType);
  if (host.amiId === undefined && platform.aws?.names[architecture] === undefined) {
    const what = `${platform.title} has no official image for ${architecture} (${host.instanceType})`;
    wrong(["host", "amiId"], undefined, `is missing: ${what}, so set the id of one`);
  }
  if (host.user === undefined && platform.aws === undefined) {
    wrong(["host", "user"], undefined, `is missing: name the one that the image's cloud-init makes`);
  }
  if (host.ssmAccess && platform.aws === undefined) {
    wrong(["host", "ssmAccess"], true, `is not to be had on ${platform.title}`);
  }
  if (host.dnsZone !== undefined) {
    const zone = host.dnsZone.toLowerCase();
    for (const [name, app] of apps) {
      for (const [index, domain] of app.domains.entries()) {
        if (`.${domain.toLowerCase()}`.endsWith(`.${zone}`)) continue;
        wrong(["apps", name, "domains", index], domain, `is not in the zone ${zone} (host.dnsZone)`);
      }
    }
  }
  return mistakes;
}

/** @param cidr as the schema takes it */
function parse(cidr: string): { network: string; prefix: number; kind: "ipv4" | "ipv6" } {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const kind = address.kind();
  const family = kind === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
  return { network: `${family.networkAddressFromCIDR(cidr).toString()}/${prefix}`, prefix, kind };
}
