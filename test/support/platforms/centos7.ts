import { el7Mirrors } from "../el7";
import type { PlatformFacts } from "./facts";

export const centos7: PlatformFacts = {
  nginxAsPackaged: "disabled inactive",
  awsImage: { id: "ami-00000000000000007", owner: "125523088429", name: "CentOS Linux 7 x86_64 - 2211" },
  awsSettings: { server: { mirrors: el7Mirrors }, app: { python: "2.7" } },
  awsContainerfile: "el7.Containerfile",
  baseline: "centos7.sh",
};
