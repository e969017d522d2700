import { z } from "zod";
import { setting } from "../settings/setting";
import { aws } from "./aws";
import { container } from "./container";
import type { ServerInputs, ServerKind } from "./kind";
import type { Server } from "./server";
import { ssh } from "./ssh";

/** The kinds of servers, by the value of the setting `server.kind`; the first is the default. No other code lists them. */
export const serverKinds = { container, ssh, aws };

type KindName = keyof typeof serverKinds;
type KindSchema = (typeof serverKinds)[KindName]["schema"];

const names = Object.keys(serverKinds) as [KindName, ...KindName[]];
const [defaultKind] = names;
const schemas = Object.values(serverKinds).map(({ schema }) => schema) as [KindSchema, ...KindSchema[]];

for (const { shape } of schemas) {
  setting(shape.kind, {
    meaning: "Kind of the server: a container on your computer, an existing server, or an EC2 instance on AWS.",
    allowed: `one of ${names.join(", ")}`,
    defaultText: `\`${defaultKind}\``,
  });
}

/** The settings of a server. */
export const serverSchema = z
  .preprocess(
    (value) => (isRecord(value) && value.kind === undefined ? { ...value, kind: defaultKind } : value),
    z.discriminatedUnion("kind", schemas),
  )
  .prefault({});

export type ServerSettings = z.output<typeof serverSchema>;

export function kindOf({ kind }: Pick<ServerSettings, "kind">): ServerKind<KindSchema> {
  return serverKinds[kind];
}

/** The kind that a stack's file names, or the default. An unknown name is reported when the settings are loaded. */
export function kindNamed(name: unknown): ServerKind<KindSchema> {
  return serverKinds[names.find((it) => it === name) ?? defaultKind];
}

/** Creates the server that the settings describe. */
export function makeServer(name: string, settings: ServerSettings, inputs: ServerInputs): Server {
  return kindOf(settings).create(name, settings, inputs);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
