import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { keepSecrets, type AppPlan } from "../rendering/app";
import { pipSecretFile, pipSecretLines } from "../rendering/pipSecrets";
import { fingerprint, secretsFile } from "../rendering/secrets";
import type { Variables } from "../settings/environment";
import { generatedLength } from "../settings/secrets";
import type { Server } from "../servers/server";
import type { BaseSystem } from "./baseSystem";
import { RemoteStep } from "./remoteStep";

interface Secrets {
  /** What a preview names. */
  names: readonly string[];
  /** What is secret, by any names. */
  values: pulumi.Input<Variables>;
  /** Name of the file on the server. */
  file: string;
  /** Its text. The second argument tells one set of secrets from another. */
  text: (values: Variables, fingerprint: string) => string;
}

export interface KeptSecretsArgs {
  server: Server;
  base: BaseSystem;
  plan: AppPlan;
}

/** Secrets in a file on the server that only root reads. They are in no other resource. */
export class KeptSecrets {
  /** The file is there. */
  readonly kept: pulumi.Resource;
  /** Tells one set of secrets from another. Not a secret itself. */
  readonly fingerprint: pulumi.Output<string>;
  /** What a preview compares: their names and their fingerprint. */
  readonly shown: pulumi.Output<string>;

  private constructor(
    name: string,
    { server, base }: KeptSecretsArgs,
    { names, values, file, text }: Secrets,
    parent: pulumi.Resource,
  ) {
    // Without it, a reader of the state could test guesses of a secret against the fingerprint.
    const key = new random.RandomPassword(`${name}-key`, { length: 64, special: false }, { parent });
    this.fingerprint = pulumi.unsecret(
      pulumi.all([values, key.result]).apply(([it, secret]) => fingerprint(it, secret)),
    );
    this.shown = this.fingerprint.apply((it) => `${names.join(" ")} (${it.slice(0, 8)})`);
    this.kept = new RemoteStep(
      name,
      {
        server,
        command: ["bash", keepSecrets, file],
        stdin: pulumi.secret(pulumi.all([values, this.fingerprint]).apply(([it, id]) => text(it, id))),
        showsStdin: true,
      },
      { parent, dependsOn: [base.ready] },
    );
  }

  /** Those of an app, which its environment has. */
  static ofApp(name: string, args: KeptSecretsArgs, parent: pulumi.Resource): KeptSecrets {
    const { name: file, settings } = args.plan;
    const values = Object.entries(settings.secrets).map(([variable, secret]) => {
      const length = generatedLength(secret);
      const value = length === undefined ? (secret as string) : generate(`${name}-secret-${variable}`, length, parent);
      return [variable, value] as const;
    });
    const names = Object.keys(settings.secrets);
    const secrets = { names, values: pulumi.all(Object.fromEntries(values)), file, text: secretsFile };
    return new KeptSecrets(`${name}-secrets`, args, secrets, parent);
  }

  /** What only pip gets to know when it installs an app's requirements. */
  static ofPip(name: string, args: KeptSecretsArgs, parent: pulumi.Resource): KeptSecrets {
    const { pip } = args.plan.settings;
    const lines = pipSecretLines(pip);
    const secrets = {
      names: Object.keys(pip.secrets),
      values: { lines: lines.join("\n") },
      file: `${args.plan.name}.pip`,
      text: (_: Variables, id: string) => pipSecretFile(lines, id),
    };
    // No app's name has a dot.
    return new KeptSecrets(`${name}.pip-secrets`, args, secrets, parent);
  }
}

/** A secret that stays the same until its length changes. */
function generate(name: string, length: number, parent: pulumi.Resource): pulumi.Output<string> {
  return new random.RandomPassword(name, { length, special: false }, { parent }).result;
}
