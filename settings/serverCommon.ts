import * as path from "node:path";
import { z } from "zod";
import { platformNames, platforms, type Platform } from "../platforms";
import { downloadSettings, variableChecks } from "./downloads";
import { isReadableFile } from "./files";
import type { Mistake } from "./mistake";
import { setting } from "./setting";

/** The settings of every kind of server. */
export const commonServerSettings = {
  platform: setting(z.enum(platformNames).default(platformNames[0]), {
    meaning: "Operating system of the server. On any other, the deployment stops before it changes anything.",
    allowed: `one of ${platformNames.join(", ")}`,
  }),
  caCertificates: setting(z.string().min(1).optional(), {
    meaning: "PEM file on your computer with CA certificates for the server to trust, also for pip.",
    allowed: "the path of a PEM file",
    defaultText: "what `SSL_CERT_FILE` names, if it is set, beyond the usual CAs",
  }),
  ...downloadSettings,
};

export type CommonServerSettings = z.output<z.ZodObject<typeof commonServerSettings>>;

/** What no single setting shows. */
export function commonServerChecks(
  server: CommonServerSettings,
  folder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Mistake[] {
  const platform: Platform = platforms[server.platform];
  const { caCertificates } = server;
  return [
    ...(caCertificates === undefined || isReadableFile(path.resolve(folder, caCertificates))
      ? []
      : [
          {
            path: ["server", "caCertificates"],
            value: caCertificates,
            text: "is not a readable file.",
            fix: "set it to the path of a PEM file, relative to the project.",
          },
        ]),
    ...Object.keys(server.mirrors)
      .filter((name) => !(name in platform.packages.mirrors))
      .map((name) => ({
        path: ["server", "mirrors", name],
        text: `not used on ${platform.title}.`,
        fix: "remove it.",
      })),
    ...variableChecks(platform, env),
  ];
}
