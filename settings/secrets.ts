import { z } from "zod";
import { allowedName, variableName, variableValue } from "./environment";
import { setting, wholeNumber } from "./setting";

const secretName = setting(variableName(), {
  meaning: "Name of an environment variable with a secret value.",
  allowed: allowedName,
  placeholder: "NAME",
});

const secretValue = setting(variableValue(), {
  meaning: "Its value, as a secret (`--secret`). The app gets it in its environment; a change restarts the app.",
  allowed: "a text of at most 100 KB, without control characters other than tab and line feed",
  secret: true,
});

const generated = z.strictObject({
  generate: setting(z.union([z.literal(true), wholeNumber(16, 256)]), {
    meaning:
      "In place of a value: the stack makes one, of random letters and digits, and keeps it. Another length makes another value.",
    allowed: "true, for 64 characters, or their number from 16 to 256",
    defaultText: "none",
    secret: "accidentally",
  }),
});

/** Environment variables of an app whose values are secret. */
export const secretsSchema = z.record(secretName, z.union([secretValue, generated])).default({});

/** Values by name, and what says how to make one. */
export type Secrets = Readonly<z.output<typeof secretsSchema>>;

/** The length of a secret that the stack generates; none if it has a value. */
export function generatedLength(secret: Secrets[string]): number | undefined {
  if (typeof secret === "string") return undefined;
  return secret.generate === true ? 64 : secret.generate;
}
