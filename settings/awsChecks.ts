import ipaddr from "ipaddr.js";
import { platforms, type Platform } from "../platforms";
import { architectureOf } from "../platforms/ec2";
import type { Mistake } from "./load";
import type { AppSettings, Settings } from "./schema";

type AwsSettings = Settings["server"] & { kind: "aws" };

/** A network with a shorter prefix counts as the whole world, so that two halves of it do too. */
const narrowestWorld = { ipv4: 8, ipv6: 16 };

/** What no single setting of a server on AWS shows. */
export function awsChecks(server: AwsSettings, apps: readonly [string, AppSettings][]): Mistake[] {
  const mistakes: Mistake[] = [];
  const wrong = (path: readonly PropertyKey[], value: unknown, text: string) => mistakes.push({ path, value, text });

  for (const key of ["sshCidrs", "webCidrs"] as const) {
    for (const [index, cidr] of server[key].entries()) {
      const { network, prefix, kind } = parse(cidr);
      if (network !== cidr) wrong(["server", key, index], cidr, `names a server in a network: do you mean ${network}?`);
      else if (key === "sshCidrs" && prefix < narrowestWorld[kind] && !server.sshFromAnywhere) {
        wrong(
          ["server", key, index],
          cidr,
          "lets the whole world try to log in: name your own networks, or set server.sshFromAnywhere to true",
        );
      }
    }
  }
  if (server.privateKey !== undefined && server.publicKey !== undefined) {
    wrong(
      ["server", "publicKey"],
      server.publicKey,
      "is given as well as privateKey, which holds it: remove one of them",
    );
  }
  const platform: Platform = platforms[server.platform];
  const architecture = architectureOf(server.instanceType);
  if (server.amiId === undefined && platform.aws?.names[architecture] === undefined) {
    const what = `${platform.title} has no official image for ${architecture} (${server.instanceType})`;
    wrong(["server", "amiId"], undefined, `is missing: ${what}, so set the id of one`);
  }
  if (server.user === undefined && platform.aws === undefined) {
    wrong(["server", "user"], undefined, `is missing: name the one that the image's cloud-init makes`);
  }
  if (server.ssmAccess && platform.aws === undefined) {
    wrong(["server", "ssmAccess"], true, `is not to be had on ${platform.title}`);
  }
  if (server.dnsZone !== undefined) {
    const zone = server.dnsZone.toLowerCase();
    for (const [name, app] of apps) {
      for (const [index, domain] of app.domains.entries()) {
        if (`.${domain.toLowerCase()}`.endsWith(`.${zone}`)) continue;
        wrong(["apps", name, "domains", index], domain, `is not in the zone ${zone} (server.dnsZone)`);
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
