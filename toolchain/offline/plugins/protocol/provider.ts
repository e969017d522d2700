// The ResourceProvider service, as far as the plugins here need it. It is written on the protocol itself, because the
// SDK's own server (@pulumi/pulumi/provider) hides previews and cannot answer with a detailed diff.
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { attachTo, createLog, handler, type Log, serve, Unimplemented } from "./engine";
import { isObject, type JsonObject, normalize } from "./values";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export interface Checked {
  readonly inputs: JsonObject;
  readonly failures: Failure[];
}

type Change = "ADD" | "DELETE" | "UPDATE";
/** What happens to each property, by its path. */
export type Diff = Map<string, Change | `${Change}_REPLACE`>;

/** What a create, update or delete may use. */
export interface Operation {
  /** Of the resource. */
  readonly name: string;
  /** Of the resource; empty during its creation. */
  readonly id: string;
  readonly preview: boolean;
  /** Aborted when the user cancels, or when the resource's custom timeout has passed. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface Resource {
  check(inputs: JsonObject): Checked;
  diff(state: JsonObject, inputs: JsonObject): Diff;
  create(operation: Operation, inputs: JsonObject): Promise<{ id: string; outputs: JsonObject }>;
  update?(operation: Operation, state: JsonObject, inputs: JsonObject): Promise<JsonObject>;
  delete?(operation: Operation, state: JsonObject): Promise<void>;
  /** The present state; undefined if the resource does not exist any more. Default: the state as it is. */
  read?(state: JsonObject, id: string): JsonObject | undefined;
}

export interface Provider {
  readonly name: string;
  /** Of the genuine plugin. */
  readonly version: string;
  /** By their types. */
  readonly resources: Readonly<Record<string, Resource>>;
  /** By their tokens. */
  readonly functions?: Readonly<Record<string, (args: JsonObject) => JsonObject>>;
}

export async function serveProvider({ name, version, resources, functions = {} }: Provider): Promise<void> {
  const unimplemented = (what: string) => new Unimplemented(`pulumi-resource-${name}`, what);
  const resourceOf = (request: { getUrn(): string }): Resource => {
    const type = typeOf(request.getUrn());
    const resource = resources[type];
    if (!resource) throw unimplemented(`resource type '${type}'`);
    return resource;
  };
  let operations = new Operations();

  await serve<IResourceProviderServer>(ResourceProviderService, {
    getPluginInfo: handler(() => new plugin.PluginInfo().setVersion(version)),
    attach: handler((request) => {
      attachTo(request.getAddress());
      operations = new Operations();
      return new Empty();
    }),
    checkConfig: handler((request) => new messages.CheckResponse().setInputs(request.getNews())),
    diffConfig: handler(() => encodeDiff(new Map())),
    configure: handler(() =>
      new messages.ConfigureResponse()
        .setAcceptsecrets(true)
        .setSupportspreview(true)
        .setAcceptresources(true)
        .setAcceptoutputs(true),
    ),

    invoke: handler((request) => {
      const lookUp = functions[request.getTok()];
      if (!lookUp) throw unimplemented(`function '${request.getTok()}'`);
      return new messages.InvokeResponse().setReturn(encode(lookUp(decode(request.getArgs()))));
    }),

    getSchema: handler(() => {
      throw unimplemented("the schema");
    }),

    check: handler((request) => {
      const { inputs, failures } = resourceOf(request).check(decode(request.getNews()));
      const list = failures.map(({ property, reason }) =>
        new messages.CheckFailure().setProperty(property).setReason(reason),
      );
      return new messages.CheckResponse().setInputs(encode(inputs)).setFailuresList(list);
    }),

    diff: handler((request) => {
      const { state, inputs } = stateAndInputs(request);
      return encodeDiff(resourceOf(request).diff(state, inputs));
    }),

    create: handler(async (request) => {
      const inputs = decode(request.getProperties());
      const { id, outputs } = await operations.run(request, request.getPreview(), (operation) =>
        resourceOf(request).create(operation, inputs),
      );
      return new messages.CreateResponse().setId(id).setProperties(encode(outputs));
    }),

    read: handler((request) => {
      const state = decode(request.getProperties());
      if (Object.keys(state).length === 0) throw unimplemented("importing a resource");
      const resource = resourceOf(request);
      const found = resource.read ? resource.read(state, request.getId()) : state;
      const response = new messages.ReadResponse();
      // Without an id it does not exist any more.
      if (!found) return response;
      return response.setId(request.getId()).setProperties(encode(found)).setInputs(request.getInputs());
    }),

    update: handler(async (request) => {
      const { state, inputs } = stateAndInputs(request);
      const outputs = await operations.run(request, request.getPreview(), async (operation) => {
        const updated = await resourceOf(request).update?.(operation, state, inputs);
        if (!updated) throw unimplemented(`updating '${typeOf(request.getUrn())}'`);
        return updated;
      });
      return new messages.UpdateResponse().setProperties(encode(outputs));
    }),

    delete: handler(async (request) => {
      const state = decode(request.getProperties());
      await operations.run(request, false, async (operation) => resourceOf(request).delete?.(operation, state));
      return new Empty();
    }),

    cancel: handler(() => {
      operations.cancel();
      return new Empty();
    }),
  });
}

/** Runs operations so that a cancellation, or a resource's own timeout, reaches all that are under way. */
class Operations {
  private readonly cancelled = new AbortController();

  cancel(): void {
    this.cancelled.abort(new Error("context canceled"));
  }

  async run<Result>(
    request: { getUrn(): string; getTimeout(): number; getId?(): string },
    preview: boolean,
    work: (operation: Operation) => Promise<Result>,
  ): Promise<Result> {
    const urn = request.getUrn();
    const log = createLog(urn);
    const deadline = new AbortController();
    const expire = () => deadline.abort(new Error("context deadline exceeded"));
    const timer = request.getTimeout() > 0 ? setTimeout(expire, request.getTimeout() * 1000) : undefined;
    const signal = AbortSignal.any([this.cancelled.signal, deadline.signal]);
    try {
      const name = urn.split("::").slice(3).join("::");
      return await work({ name, id: request.getId?.() ?? "", preview, signal, log });
    } finally {
      clearTimeout(timer);
      await log.flushed();
    }
  }
}

/** @param urn urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function decode(struct: Struct | undefined): JsonObject {
  const value = normalize(struct?.toJavaScript() ?? {});
  return isObject(value) ? value : {};
}

function encode(value: JsonObject): Struct {
  return Struct.fromJavaScript(value);
}

/** The inputs that `ignoreChanges` names keep the values of the state. */
function stateAndInputs(request: messages.DiffRequest | messages.UpdateRequest) {
  const state = decode(request.getOlds());
  const kept = Object.fromEntries(
    request.getIgnorechangesList().flatMap((key) => (key in state ? [[key, state[key]]] : [])),
  );
  return { state, inputs: { ...decode(request.getNews()), ...kept } as JsonObject };
}

function encodeDiff(diff: Diff): messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse()
    .setChanges(diff.size > 0 ? DIFF_SOME : DIFF_NONE)
    .setHasdetaileddiff(true)
    .setDiffsList([...diff.keys()])
    .setReplacesList([...diff].filter(([, kind]) => kind.endsWith("REPLACE")).map(([path]) => path));
  for (const [path, kind] of diff)
    response.getDetaileddiffMap().set(path, new messages.PropertyDiff().setKind(messages.PropertyDiff.Kind[kind]));
  return response;
}
