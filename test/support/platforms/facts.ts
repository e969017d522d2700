// What the tests know of a platform beyond what the product does: one file for each, which the compiler asks for.
import type { PlatformName } from "../../../platforms";
import { centos7 } from "./centos7";
import { debian12 } from "./debian12";

export interface PlatformFacts {
  /** Whether its package leaves nginx enabled and active. */
  readonly nginxAsPackaged: "enabled active" | "disabled inactive";
  /** Its official image on AWS. */
  readonly awsImage: { readonly id: string; readonly owner: string; readonly name: string };
  /** Settings that its server on the fake AWS needs, and its app. */
  readonly awsSettings: {
    readonly server: Readonly<Record<string, unknown>>;
    readonly app: Readonly<Record<string, unknown>>;
  };
  /** Of the image that an instance on the fake AWS runs, in test/fakes/aws. */
  readonly awsContainerfile: string;
  /** The script in bench/ that the benchmark compares with. */
  readonly baseline: string;
}

export const facts: Readonly<Record<PlatformName, PlatformFacts>> = { centos7, debian12 };
