import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { keepSecrets } from "../rendering/app";
import { pipSecretFile, pipSecretLines } from "../rendering/pipSecrets";
import { fingerprint } from "../rendering/secrets";
import type { AppSecretsArgs } from "./appSecrets";
import { RemoteStep } from "./remoteStep";

/** What only pip gets to know when it installs an app's requirements, in a file on the server that only root reads. */
export class PipSecrets {
  /** The file is there. */
  readonly kept: pulumi.Resource;
  /** Tells one set of secrets from another. Not a secret itself. */
  readonly fingerprint: pulumi.Output<string>;
  /** What a preview compares: their names and their fingerprint. */
  readonly shown: pulumi.Output<string>;

  constructor(name: string, { server, base, plan }: AppSecretsArgs, parent: pulumi.Resource) {
    const { pip } = plan.settings;
    const lines = pipSecretLines(pip);
    // As for the app's secrets.
    const key = new random.RandomPassword(`${name}.pip-secrets-key`, { length: 64, special: false }, { parent });
    this.fingerprint = pulumi.unsecret(key.result.apply((it) => fingerprint({ lines: lines.join("\n") }, it)));
    this.shown = this.fingerprint.apply((it) => `${Object.keys(pip.secrets).join(" ")} (${it.slice(0, 8)})`);
    this.kept = new RemoteStep(
      `${name}.pip-secrets`,
      {
        server,
        command: ["bash", keepSecrets, `${plan.name}.pip`],
        stdin: pulumi.secret(this.fingerprint.apply((it) => pipSecretFile(lines, it))),
        showsStdin: true,
      },
      { parent, dependsOn: [base.ready] },
    );
  }
}
