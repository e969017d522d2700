import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { keepSecrets, type AppPlan } from "../rendering/app";
import { fingerprint, secretsFile } from "../rendering/secrets";
import type { Server } from "../servers/server";
import type { BaseSystem } from "./baseSystem";
import { generatedLength } from "../settings/secrets";
import { RemoteStep } from "./remoteStep";

export interface AppSecretsArgs {
  server: Server;
  base: BaseSystem;
  plan: AppPlan;
}

/** An app's secrets, in a file on the server that only root reads. They are in no other resource. */
export class AppSecrets {
  /** The file is there. */
  readonly kept: pulumi.Resource;
  /** Tells one set of secrets from another. Not a secret itself. */
  readonly fingerprint: pulumi.Output<string>;
  /** What a preview compares: their names and their fingerprint. */
  readonly shown: pulumi.Output<string>;

  constructor(name: string, { server, base, plan }: AppSecretsArgs, parent: pulumi.Resource) {
    const { secrets } = plan.settings;
    // Without it, a reader of the state could test guesses of a secret against the fingerprint.
    const key = new random.RandomPassword(`${name}-secrets-key`, { length: 64, special: false }, { parent });
    const values = pulumi.all(
      Object.fromEntries(
        Object.entries(secrets).map(([variable, secret]) => {
          const length = generatedLength(secret);
          return [
            variable,
            length === undefined ? (secret as string) : generate(`${name}-secret-${variable}`, length, parent),
          ];
        }),
      ),
    );
    this.fingerprint = pulumi.unsecret(
      pulumi.all([values, key.result]).apply(([it, secret]) => fingerprint(it, secret)),
    );
    this.shown = this.fingerprint.apply((it) => `${Object.keys(secrets).join(" ")} (${it.slice(0, 8)})`);
    this.kept = new RemoteStep(
      `${name}-secrets`,
      {
        server,
        command: ["bash", keepSecrets, plan.name],
        stdin: pulumi.secret(pulumi.all([values, this.fingerprint]).apply(([it, id]) => secretsFile(it, id))),
        showsStdin: true,
      },
      { parent, dependsOn: [base.ready] },
    );
  }
}

/** A secret that stays the same until its length changes. */
function generate(name: string, length: number, parent: pulumi.Resource): pulumi.Output<string> {
  return new random.RandomPassword(name, { length, special: false }, { parent }).result;
}
