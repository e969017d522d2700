import type { PlatformFacts } from "./facts";

export const debian12: PlatformFacts = {
  nginxAsPackaged: "enabled active",
  awsImage: { id: "ami-00000000000000001", owner: "136693071363", name: "debian-12-amd64-20240201-1644" },
  awsSettings: { server: {}, app: {} },
  awsContainerfile: "debian12.Containerfile",
  baseline: "debian12.sh",
};
