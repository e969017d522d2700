import type { AwsArchitecture, Platform } from "../platforms";
import { ssmAgentKey } from "../platforms/ec2";
import { renderTemplate, script } from "./assets";
import type { SshKeyPair } from "./sshKey";

export interface UserData {
  /** The server's host key. */
  hostKey: SshKeyPair;
  /** Installs Amazon's SSM agent for this platform. Default: it is not installed. */
  ssmAgent?: { platform: Platform; architecture: AwsArchitecture; region: string };
}

/** Configuration of cloud-init for a server's first boot. It contains the private host key. */
export function renderUserData({ hostKey, ssmAgent }: UserData): string {
  return renderTemplate("user-data.cloud-config", { hostKey, installSsmAgent: ssmAgent && installAgent(ssmAgent) });
}

/** assets/scripts/wait-for-boot.sh shows this file. */
export const bootNotice = "/run/uwsgi-nginx-boot-notice";

function installAgent({ platform, architecture, region }: NonNullable<UserData["ssmAgent"]>) {
  if (!platform.aws) throw new Error(`No SSM agent is known for ${platform.title}.`);
  const { build, ending, install } = platform.aws.ssmAgent;
  const folder = `latest/${build}_${architecture === "x86_64" ? "amd64" : architecture}`;
  const url = `https://s3.${region}.amazonaws.com/amazon-ssm-${region}/${folder}/amazon-ssm-agent.${ending}`;
  const parameters = { url, ...ssmAgentKey, install, notice: bootNotice };
  return script("install-ssm-agent.sh", { parameters });
}
